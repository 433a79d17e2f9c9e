//! Boxes and lines as SVG.

use super::layout::Layout;
use crate::boxes::NodeBox;
use crate::title::{Family, short, times};
use nasmyth_graph::VerifiedGraph;
use std::fmt::Write;

const MARGIN: f64 = 18.0;
const HEAD: f64 = 52.0;
const LEGEND_ROW: f64 = 22.0;
const LEGEND_ITEM: f64 = 160.0;
const FAMILY_COLOURS: [&str; 8] =
    ["#64748b", "#2563eb", "#0d9488", "#7c3aed", "#16a34a", "#d97706", "#db2777", "#6b7280"];

const STYLE: &str = ".nn{font:12px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;--ink:#0f172a;--soft:#64748b;--line:#94a3b8}\
@media (prefers-color-scheme:dark){.nn{--ink:#e2e8f0;--soft:#94a3b8;--line:#64748b}}\
.nn text{fill:var(--ink)}.nn .soft{fill:var(--soft);font-size:11px}.nn .title{font-weight:600}\
.nn .name{font-size:16px;font-weight:700}.nn .end{text-anchor:end}.nn .mid{text-anchor:middle}\
.nn .edge{fill:none;stroke:var(--line);stroke-width:1.5}.nn .tip{fill:var(--line)}\
.nn rect{fill-opacity:.13;stroke-opacity:.75;stroke-width:1.2}.nn .out rect{stroke-width:2.6;stroke-opacity:1}\
.nn g:hover>rect{fill-opacity:.28}";

/// Width and height of each box: one width for all layers, a small one for sums and products.
pub(super) fn sizes(boxes: &[NodeBox]) -> Vec<(f64, f64)> {
    let line = |a: &str, b: &str| 7.0 * a.chars().count() as f64 + 6.6 * b.chars().count() as f64;
    let need = |b: &NodeBox| line(&b.title, &b.shape).max(line(&b.detail, &b.params) * 0.92) + 58.0;
    let layers = boxes.iter().filter(|b| !is_pill(b));
    let width = layers.map(need).fold(170.0, f64::max).min(330.0);
    let size = |b: &NodeBox| {
        if is_pill(b) { (line(&pill_text(b), "") + 24.0, 28.0) } else { (width, 42.0) }
    };
    boxes.iter().map(size).collect()
}

fn is_pill(b: &NodeBox) -> bool {
    b.family == Family::Join
}

fn pill_text(b: &NodeBox) -> String {
    if b.detail.is_empty() { b.title.clone() } else { format!("{} {}", b.title, b.detail) }
}

/// The whole document.
pub(super) fn document(
    g: &VerifiedGraph,
    boxes: &[NodeBox],
    sizes: &[(f64, f64)],
    layout: &Layout,
) -> String {
    let present: Vec<Family> =
        Family::ALL.into_iter().filter(|f| boxes.iter().any(|b| b.family == *f)).collect();
    let width = layout.width.max(340.0) + 2.0 * MARGIN;
    let columns = (((width - 2.0 * MARGIN) / LEGEND_ITEM) as usize).max(1);
    let legend = LEGEND_ROW * present.len().div_ceil(columns) as f64;
    let height = HEAD + layout.height + legend + 3.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"nn\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" style=\"max-width:100%;height:auto\" role=\"img\">\n<title>{}</title>\n<style>{STYLE}{}</style>\n",
        escape(g.name()),
        colours(),
    );
    header(&mut svg, g);
    let left = MARGIN + (width - 2.0 * MARGIN - layout.width) / 2.0;
    let _ = writeln!(svg, "<g transform=\"translate({left:.1} {:.1})\">", HEAD + MARGIN);
    lines(&mut svg, boxes, sizes, layout);
    for (i, b) in boxes.iter().enumerate() {
        draw_box(&mut svg, b, layout.centres[i], sizes[i]);
    }
    svg.push_str("</g>\n");
    draw_legend(&mut svg, &present, columns, HEAD + layout.height + 2.0 * MARGIN);
    svg.push_str("</svg>\n");
    svg
}

fn colours() -> String {
    let rule = |(f, c): (Family, &str)| format!(".nn .{}{{fill:{c};stroke:{c}}}", f.class());
    Family::ALL.into_iter().zip(FAMILY_COLOURS).map(rule).collect()
}

fn header(svg: &mut String, g: &VerifiedGraph) {
    let _ = writeln!(svg, "<text class=\"name\" x=\"{MARGIN}\" y=\"28\">{}</text>", escape(g.name()));
    let facts = format!(
        "{} parameters · {} multiply-adds · input {}",
        short(g.params()),
        short(g.macs()),
        times(g.fact(g.input_id()).shape())
    );
    let _ = writeln!(svg, "<text class=\"soft\" x=\"{MARGIN}\" y=\"46\">{facts}</text>");
}

fn lines(svg: &mut String, boxes: &[NodeBox], sizes: &[(f64, f64)], layout: &Layout) {
    let edges = boxes.iter().enumerate().flat_map(|(to, b)| b.inputs.iter().map(move |&from| (from, to)));
    for ((from, to), route) in edges.zip(&layout.routes) {
        let (start, end) = (layout.centres[from], layout.centres[to]);
        let leave = port(start.0, sizes[from].0, route.first().map(|r| r.0));
        let enter = port(end.0, sizes[to].0, route.last().map(|r| r.0));
        let (mut x, mut y) = (leave, start.1 + sizes[from].1 / 2.0);
        let mut path = format!("M{x:.1} {y:.1}");
        let last = (enter, end.1 - sizes[to].1 / 2.0 - 4.0);
        for &(nx, top, bottom) in route.iter().chain([&(last.0, last.1, last.1)]) {
            path.push_str(&bend((x, y), (nx, top)));
            if bottom > top {
                let _ = write!(path, "V{bottom:.1}");
            }
            (x, y) = (nx, bottom);
        }
        let _ = writeln!(svg, "<path class=\"edge\" d=\"{path}\"/>");
        let (x, y) = last;
        let tip = format!("M{:.1} {:.1}h7l-3.5 5.5z", x - 3.5, y - 1.0);
        let _ = writeln!(svg, "<path class=\"tip\" d=\"{tip}\"/>");
    }
}

/// Where a line meets the edge of a box: in the middle, or, for a line that passes layers, towards where it passes.
fn port(centre: f64, width: f64, towards: Option<f64>) -> f64 {
    let reach = (width / 2.0 - 16.0).max(0.0);
    centre + towards.map_or(0.0, |x| (x - centre).clamp(-reach, reach))
}

fn bend(from: (f64, f64), to: (f64, f64)) -> String {
    if (from.0 - to.0).abs() < 0.05 {
        return format!("V{:.1}", to.1);
    }
    let middle = (from.1 + to.1) / 2.0;
    format!("C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {:.1}", from.0, to.0, to.0, to.1)
}

fn draw_box(svg: &mut String, b: &NodeBox, (cx, cy): (f64, f64), (w, h): (f64, f64)) {
    let class = if b.output { " class=\"out\"" } else { "" };
    let (x, y) = (cx - w / 2.0, cy - h / 2.0);
    let radius = if is_pill(b) { h / 2.0 } else { 8.0 };
    let _ = write!(
        svg,
        "<g{class}><title>{}</title><rect class=\"{}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"{radius}\"/>",
        escape(&b.inside),
        b.family.class()
    );
    let mut text = |class: &str, x: f64, y: f64, words: &str| {
        if !words.is_empty() {
            let _ = write!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(words));
        }
    };
    if is_pill(b) {
        text("title mid", cx, cy + 4.0, &pill_text(b));
    } else {
        let (first, second) = (y + 17.5, y + 33.5);
        let alone = b.detail.is_empty() && b.params.is_empty();
        text("title", x + 12.0, if alone { cy + 4.0 } else { first }, &b.title);
        text("soft end", x + w - 12.0, if alone { cy + 4.0 } else { first }, &b.shape);
        text("soft", x + 12.0, second, &b.detail);
        text("soft end", x + w - 12.0, second, &b.params);
    }
    svg.push_str("</g>\n");
}

fn draw_legend(svg: &mut String, present: &[Family], columns: usize, top: f64) {
    for (i, family) in present.iter().enumerate() {
        let (x, y) = (MARGIN + LEGEND_ITEM * (i % columns) as f64, top + LEGEND_ROW * (i / columns) as f64);
        let _ = writeln!(
            svg,
            "<rect class=\"{}\" x=\"{x:.0}\" y=\"{y:.0}\" width=\"14\" height=\"14\" rx=\"4\"/><text class=\"soft\" x=\"{:.0}\" y=\"{:.0}\">{}</text>",
            family.class(),
            x + 20.0,
            y + 11.0,
            family.label()
        );
    }
}

/// Text with the characters that XML keeps for itself written out, and without those that it forbids.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
