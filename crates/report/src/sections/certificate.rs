//! Each limit, checked on the finished network.

use crate::Report;
use crate::escape::escape;
use crate::quantity::plain;

pub(super) fn body(report: &Report) -> Option<String> {
    let difference = report.runtime_difference.filter(|d| d.is_finite());
    if report.certificate.is_empty() && difference.is_none() {
        return None;
    }
    let row = |r: &crate::CertificateRow| {
        let (class, word) = if r.holds { ("good", "✓ kept") } else { ("bad", "✗ broken") };
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{class}\">{word}</td></tr>",
            escape(&r.limit),
            escape(&r.value),
            escape(&r.how)
        )
    };
    let rows: String = report.certificate.iter().map(row).collect();
    let head = "<tr><th>limit</th><th>value</th><th>how it was determined</th><th>result</th></tr>";
    let table =
        format!("<div class=\"scroll\"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>");
    let words = difference.map_or_else(String::new, |d| {
        format!(
            "<p>The exported file was run by an independent runtime: its outputs differ from the engine's by at most {}.</p>",
            plain(d)
        )
    });
    Some(if rows.is_empty() { words } else { table + &words })
}
