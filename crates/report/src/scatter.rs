//! Points of named series against two quantities: one HTML page that stands alone.

use crate::chart::{Axis, Chart};
use crate::escape::escape;
use crate::page::{SERIES_COLOURS, document};
use crate::quantity::quantity;

/// What to plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scatter {
    /// Title of the page.
    pub title: String,
    /// What it shows, in a sentence.
    pub about: String,
    /// Name and unit of the horizontal axis (`B` for bytes, empty for a count).
    pub x: (String, String),
    /// Name and unit of the vertical axis.
    pub y: (String, String),
    /// The points; those of one series are joined by a line, from left to right.
    pub series: Vec<Series>,
}

/// Points that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Name and position of each point.
    pub points: Vec<(String, (f64, f64))>,
}

/// The page: a chart, its legend and a table of all points.
pub fn scatter_html(scatter: &Scatter) -> String {
    let points = || scatter.series.iter().flat_map(|s| &s.points);
    let xs: Vec<f64> = points().map(|p| p.1.0).collect();
    let ys: Vec<f64> = points().map(|p| p.1.1).collect();
    let (x, y) = (&scatter.x, &scatter.y);
    let mut chart = Chart::new(Axis::cost(&x.0, &x.1, &xs), Axis::cost(&y.0, &y.1, &ys));
    let (mut legend, mut rows) = (String::new(), String::new());
    for (i, series) in scatter.series.iter().enumerate() {
        let class = format!("s{}", i % SERIES_COLOURS);
        let mut points = series.points.clone();
        points.sort_by(|a, b| a.1.0.total_cmp(&b.1.0));
        chart.line(points.iter().map(|p| p.1), &format!("joined {class}"));
        for (name, at) in &points {
            let [across, up] = [quantity(at.0, &x.1), quantity(at.1, &y.1)];
            chart.dot(
                *at,
                3.5,
                &class,
                &format!("{name} ({})\n{} {}\n{} {}", series.name, x.0, across, y.0, up),
            );
            rows += &format!(
                "<tr><td>{}</td><td>{}</td><td class=\"num\" data-v=\"{}\">{across}</td><td class=\"num\" data-v=\"{}\">{up}</td></tr>",
                escape(name),
                escape(&series.name),
                at.0,
                at.1
            );
        }
        legend += &format!("<span><i class=\"key {class}\"></i>{}</span>", escape(&series.name));
    }
    let words = format!("{} against {}, {} points", y.0, x.0, xs.len());
    let body = format!(
        "<section><figure>{}<figcaption>{}</figcaption></figure><p class=\"legend\">{legend}</p></section>\n\
         <section><div class=\"scroll tall\"><table class=\"sortable\"><thead><tr><th>name</th><th>series</th><th class=\"num\">{}</th><th class=\"num\">{}</th></tr></thead><tbody>{rows}</tbody></table></div></section>",
        chart.svg(&words),
        escape(&words),
        escape(&x.0),
        escape(&y.0)
    );
    document(&scatter.title, &scatter.about, "", &body)
}
