//! The networks of a front, each trained to the end.

use crate::escape::escape;
use crate::quantity::{metric, quantity};
use crate::{FrontNetwork, Report};

pub(super) fn body(report: &Report) -> Option<String> {
    let first = report.front.first()?;
    let costs: Vec<_> = report.costs.iter().filter(|c| first.costs.contains_key(&c.name)).collect();
    let head: String = costs.iter().map(|c| format!("<th class=\"num\">{}</th>", escape(&c.name))).collect();
    let value = |v: Option<f64>| {
        let shown = v.map_or_else(|| "–".to_owned(), |v| metric(v, report.metric.percent));
        format!("<td class=\"num\" data-v=\"{}\">{shown}</td>", v.unwrap_or(f64::NEG_INFINITY))
    };
    let row = |network: &FrontNetwork| {
        let cost = |c: &&crate::Cost| match network.costs.get(&c.name) {
            Some(&v) => format!("<td class=\"num\" data-v=\"{v}\">{}</td>", quantity(v, &c.unit)),
            None => "<td class=\"num\">–</td>".to_owned(),
        };
        let costs: String = costs.iter().map(cost).collect();
        let name = escape(&network.name);
        format!("<tr><td>{name}</td>{}{}{costs}</tr>", value(network.valid), value(network.test))
    };
    let rows: String = report.front.iter().map(row).collect();
    Some(format!(
        "<p>Networks that none of the others beats in everything, each trained to the end; the first one is also in <code>best/</code>.</p>\
         <div class=\"scroll\"><table class=\"sortable\"><thead><tr><th>folder</th><th class=\"num\">{0} in the search</th><th class=\"num\">{0} on the test part</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>",
        escape(&report.metric.name)
    ))
}
