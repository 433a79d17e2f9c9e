//! Patterns of layers that good networks have in common.

use crate::escape::escape;
use crate::quantity::plain;
use crate::{Pattern, Report};

pub(super) fn body(report: &Report) -> Option<String> {
    let first = report.patterns.first()?;
    let row = |p: &Pattern| {
        let class = if p.gradient > 0.0 { "good" } else { "bad" };
        format!(
            "<tr><td><code>{}</code></td><td class=\"num {class}\" data-v=\"{}\">{}</td><td class=\"num\" data-v=\"{}\">{}</td></tr>",
            escape(&p.text),
            p.gradient,
            plain(p.gradient),
            p.networks,
            p.networks
        )
    };
    let rows: String = report.patterns.iter().map(row).collect();
    Some(format!(
        "<p>What one occurrence more of a pattern adds to the value that a model of the first {} networks expects, in standard deviations. \
         A pattern is a layer with what it reads. Such a model shows what goes along with good values, not what causes them.</p>\
         <div class=\"scroll\"><table class=\"sortable\"><thead><tr><th>pattern</th><th class=\"num\">adds</th><th class=\"num\">networks</th></tr></thead><tbody>{rows}</tbody></table></div>",
        first.of
    ))
}
