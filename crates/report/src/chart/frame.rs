//! The frame of a chart and the marks in it.

use super::Axis;
use crate::escape::escape;
use std::fmt::Write;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 68.0;
const RIGHT: f64 = 26.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;

/// A chart under construction. Marks take CSS classes, so that colours follow the reader's scheme.
pub(crate) struct Chart {
    x: Axis,
    y: Axis,
    marks: String,
}

impl Chart {
    /// An empty chart.
    pub(crate) fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, marks: String::new() }
    }

    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = (self.x.at(x), self.y.at(y));
        (LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM))
    }

    /// A disc of this radius, with words that appear over it.
    pub(crate) fn dot(&mut self, at: (f64, f64), radius: f64, class: &str, tip: &str) {
        let (x, y) = self.place(at.0, at.1);
        let tip = escape(tip);
        let _ = write!(
            self.marks,
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" data-tip=\"{tip}\"/>"
        );
    }

    /// A cross at the foot of the chart.
    pub(crate) fn cross(&mut self, x: f64, class: &str, tip: &str) {
        let x = LEFT + self.x.at(x) * (WIDTH - LEFT - RIGHT);
        let (y, tip) = (HEIGHT - BOTTOM - 7.0, escape(tip));
        let _ = write!(
            self.marks,
            "<path class=\"{class}\" d=\"M{:.1} {:.1}l7 7m0 -7l-7 7\" data-tip=\"{tip}\"/>",
            x - 3.5,
            y - 3.5
        );
    }

    /// A line through points.
    pub(crate) fn line(&mut self, points: impl IntoIterator<Item = (f64, f64)>, class: &str) {
        let mut path = String::new();
        for (x, y) in points {
            let (x, y) = self.place(x, y);
            let _ = write!(path, "{}{x:.1} {y:.1}", if path.is_empty() { "M" } else { "L" });
        }
        if !path.is_empty() {
            let _ = write!(self.marks, "<path class=\"line {class}\" d=\"{path}\"/>");
        }
    }

    /// A box from the lower end of the chart up to `top`, between two values of x.
    pub(crate) fn bar(&mut self, (from, to): (f64, f64), top: f64, class: &str, tip: &str) {
        let ((x, y), (end, _)) = (self.place(from, top), self.place(to, top));
        let (width, height, tip) = ((end - x - 1.0).max(0.5), HEIGHT - BOTTOM - y, escape(tip));
        let _ = write!(
            self.marks,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" data-tip=\"{tip}\"/>"
        );
    }

    /// A vertical line with a word beside it, at its top or at its foot.
    pub(crate) fn wall(&mut self, at: f64, class: &str, word: &str, top: bool) {
        let x = LEFT + self.x.at(at) * (WIDTH - LEFT - RIGHT);
        let (anchor, side) = if x > WIDTH / 2.0 { ("end", -5.0) } else { ("start", 5.0) };
        let _ = write!(
            self.marks,
            "<path class=\"line {class}\" d=\"M{x:.1} {TOP}V{:.1}\"/><text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            HEIGHT - BOTTOM,
            x + side,
            if top { TOP + 12.0 } else { HEIGHT - BOTTOM - 9.0 },
            escape(word)
        );
    }

    /// A filled area between two lines, from left to right: x, lower end, upper end.
    pub(crate) fn band(&mut self, points: &[(f64, f64, f64)], class: &str) {
        let upper = points.iter().map(|p| self.place(p.0, p.2));
        let lower = points.iter().rev().map(|p| self.place(p.0, p.1));
        let path: Vec<String> = upper.chain(lower).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        if !path.is_empty() {
            let _ = write!(self.marks, "<path class=\"band {class}\" d=\"M{}Z\"/>", path.join("L"));
        }
    }

    /// The chart in a page; `words` say what it shows to readers who cannot see it.
    pub(crate) fn svg(&self, words: &str) -> String {
        format!("<div class=\"scroll\">{}</div>", self.element(words, "", ""))
    }

    /// The chart as a document of its own, with these styles.
    pub(crate) fn document(&self, words: &str, style: &str) -> String {
        self.element(words, " xmlns=\"http://www.w3.org/2000/svg\"", &format!("<style>{style}</style>"))
    }

    fn element(&self, words: &str, namespace: &str, style: &str) -> String {
        let mut svg = format!(
            "<svg{namespace} class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">{style}",
            escape(words)
        );
        let (foot, end) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (at, text) in self.y.ticks() {
            let y = foot - at * (foot - TOP);
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{end}\"/><text class=\"tick\" text-anchor=\"end\" x=\"{}\" y=\"{:.1}\">{}</text>",
                LEFT - 7.0,
                y + 4.0,
                escape(text)
            );
        }
        for (at, text) in self.x.ticks() {
            let x = LEFT + at * (end - LEFT);
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{x:.1} {TOP}V{foot}\"/><text class=\"tick\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{}\">{}</text>",
                foot + 17.0,
                escape(text)
            );
        }
        let _ = write!(
            svg,
            "<text class=\"axis\" text-anchor=\"middle\" x=\"{}\" y=\"{}\">{}</text><text class=\"axis\" text-anchor=\"middle\" transform=\"translate(13 {}) rotate(-90)\">{}</text>{}</svg>",
            (LEFT + end) / 2.0,
            HEIGHT - 8.0,
            escape(&self.x.label()),
            (TOP + foot) / 2.0,
            escape(&self.y.label()),
            self.marks
        );
        svg
    }
}
