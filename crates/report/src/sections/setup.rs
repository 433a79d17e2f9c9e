//! Data, search and configuration.

use crate::Report;
use crate::escape::escape;
use crate::quantity::{duration, quantity};

pub(super) fn body(report: &Report) -> Option<String> {
    let d = &report.data;
    let sizes = format!("{} train · {} validation · {} test", d.train, d.valid, d.test);
    let limits = report.limits.iter().map(|l| format!("{} ≤ {}", l.cost, quantity(l.bound, &l.unit)));
    let rows = [
        ("data", d.name.clone()),
        ("task", d.task.clone()),
        ("format", d.format.clone()),
        ("sample", d.shape.clone()),
        ("samples", sizes),
        ("space", report.space.clone()),
        ("strategy", report.strategy.clone()),
        ("limits", limits.collect::<Vec<_>>().join(", ")),
        ("seed", report.seed.to_string()),
        ("time", duration(report.elapsed)),
        ("command", report.command.clone()),
    ];
    let row = |(name, value): &(&str, String)| format!("<tr><th>{name}</th><td>{}</td></tr>", escape(value));
    let rows: String = rows.iter().filter(|(_, v)| !v.is_empty()).map(row).collect();
    let config = if report.config.is_empty() {
        String::new()
    } else {
        format!("<details><summary>Configuration</summary><pre>{}</pre></details>", escape(&report.config))
    };
    Some(format!("<div class=\"scroll\"><table class=\"facts\"><tbody>{rows}</tbody></table></div>{config}"))
}
