//! Curves with bands and tables beside them: one HTML page, or the chart alone as SVG.

use crate::chart::{Axis, Chart};
use crate::escape::escape;
use crate::page::{SERIES_COLOURS, STYLE, document};
use crate::quantity::plain;

/// What to draw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// Title of the page.
    pub title: String,
    /// What it shows, in a sentence.
    pub about: String,
    /// The charts, one below the other.
    pub charts: Vec<CurvesChart>,
    /// Tables below the charts.
    pub tables: Vec<CurvesTable>,
}

/// A chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CurvesChart {
    /// Name of the horizontal axis.
    pub x: String,
    /// Name of the vertical axis.
    pub y: String,
    /// The curves.
    pub series: Vec<CurveSeries>,
}

/// A curve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CurveSeries {
    /// Name in the legend.
    pub name: String,
    /// x, value, lower and upper end of its interval, from left to right.
    pub points: Vec<[f64; 4]>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CurvesTable {
    /// Its heading.
    pub title: String,
    /// Names of the columns.
    pub head: Vec<String>,
    /// Cells, row by row.
    pub rows: Vec<Vec<String>>,
}

fn class(i: usize) -> String {
    format!("s{}", i % SERIES_COLOURS)
}

fn chart(curves: &CurvesChart) -> Chart {
    let points = || curves.series.iter().flat_map(|s| &s.points);
    let xs: Vec<f64> = points().map(|p| p[0]).collect();
    let ys: Vec<f64> = points().map(|p| p[1]).filter(|v| v.is_finite()).collect();
    let (x, y) = (Axis::tight(&curves.x, &xs, plain), Axis::cost(&curves.y, "", &ys));
    let mut chart = Chart::new(x, y);
    let (low, high) = ys.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    for (i, series) in curves.series.iter().enumerate() {
        let within = |v: f64| v.clamp(low, high);
        let band: Vec<(f64, f64, f64)> =
            series.points.iter().map(|p| (p[0], within(p[2]), within(p[3]))).collect();
        chart.band(&band, &class(i));
    }
    for (i, series) in curves.series.iter().enumerate() {
        chart.line(series.points.iter().map(|p| (p[0], p[1])), &class(i));
    }
    chart
}

fn words(curves: &CurvesChart) -> String {
    format!("{} against {}, {} curves", curves.y, curves.x, curves.series.len())
}

/// The page.
pub fn curves_html(curves: &Curves) -> String {
    let charts: String = curves.charts.iter().map(figure).collect();
    let tables: String = curves.tables.iter().map(table).collect();
    document(&curves.title, &curves.about, "", &format!("{charts}{tables}"))
}

fn figure(curves: &CurvesChart) -> String {
    let key = |(i, s): (usize, &CurveSeries)| {
        format!("<span><i class=\"key {}\"></i>{}</span>", class(i), escape(&s.name))
    };
    let legend: String = curves.series.iter().enumerate().map(key).collect();
    let words = words(curves);
    format!(
        "<section><figure>{}<figcaption>{}</figcaption></figure><p class=\"legend\">{legend}</p></section>\n",
        chart(curves).svg(&words),
        escape(&words)
    )
}

fn table(table: &CurvesTable) -> String {
    let numeric = |column: usize| {
        table.rows.iter().all(|r| r.get(column).is_some_and(|c| number(c).is_some() || c == "–"))
    };
    let class = |column: usize| if numeric(column) { " class=\"num\"" } else { "" };
    let head: String =
        table.head.iter().enumerate().map(|(i, h)| format!("<th{}>{}</th>", class(i), escape(h))).collect();
    let cell = |(i, c): (usize, &String)| match number(c).filter(|_| numeric(i)) {
        Some(v) => format!("<td class=\"num\" data-v=\"{v}\">{}</td>", escape(c)),
        None => format!("<td{}>{}</td>", class(i), escape(c)),
    };
    let row = |r: &Vec<String>| format!("<tr>{}</tr>", r.iter().enumerate().map(cell).collect::<String>());
    let rows: String = table.rows.iter().map(row).collect();
    format!(
        "<section><h2>{}</h2><div class=\"scroll tall\"><table class=\"sortable\"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></section>\n",
        escape(&table.title)
    )
}

fn number(cell: &str) -> Option<f64> {
    cell.parse().ok()
}

/// A chart as an SVG document that stands alone.
pub fn curves_svg(curves: &CurvesChart) -> String {
    chart(curves).document(&words(curves), STYLE)
}
