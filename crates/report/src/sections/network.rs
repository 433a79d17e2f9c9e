//! The network, drawn.

use crate::Report;
use crate::escape::escape;

pub(super) fn body(report: &Report) -> Option<String> {
    // Inside a page an SVG element needs no namespace, and so the page holds no address at all.
    let svg = report.network_svg.as_ref().map(|s| s.replace("xmlns=\"http://www.w3.org/2000/svg\"", ""));
    let genotype = report.best_trial().map(|t| escape(&t.genotype)).filter(|g| !g.is_empty());
    if svg.is_none() && genotype.is_none() {
        return None;
    }
    let genotype = genotype.map_or_else(String::new, |g| {
        format!("<details><summary>Its genotype</summary><pre>{g}</pre></details>")
    });
    let drawing = svg.map_or_else(String::new, |s| {
        format!("<p class=\"soft\">Point at a box to see the operators inside.</p><div class=\"drawing\">{s}</div>")
    });
    Some(drawing + &genotype)
}
