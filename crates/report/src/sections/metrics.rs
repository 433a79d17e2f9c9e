//! All metrics on all parts of the data.

use crate::Report;
use crate::escape::escape;
use crate::quantity::{metric, plain};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn body(report: &Report) -> Option<String> {
    let m = &report.metrics;
    let parts: [(&str, &BTreeMap<String, f64>); 3] =
        [("train", &m.train), ("validation", &m.valid), ("test", &m.test)];
    let parts: Vec<_> = parts.into_iter().filter(|(_, part)| !part.is_empty()).collect();
    let names: BTreeSet<&String> = parts.iter().flat_map(|(_, part)| part.keys()).collect();
    let show = |name: &str, v: f64| {
        if name == report.metric.name { metric(v, report.metric.percent) } else { plain(v) }
    };
    let row = |name: &&String| {
        let cell = |(_, part): &(&str, &BTreeMap<String, f64>)| {
            format!("<td class=\"num\">{}</td>", part.get(*name).map_or("–".to_owned(), |&v| show(name, v)))
        };
        format!("<tr><td>{}</td>{}</tr>", escape(name), parts.iter().map(cell).collect::<String>())
    };
    let rows: String = names.iter().map(row).collect();
    let head: String = parts.iter().map(|(name, _)| format!("<th class=\"num\">{name}</th>")).collect();
    (!rows.is_empty()).then(|| {
        format!("<div class=\"scroll\"><table><thead><tr><th>of the finished network</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>")
    })
}
