//! Every trial in a table that sorts by any column.

use crate::escape::escape;
use crate::quantity::{duration, metric, plain, quantity};
use crate::{Report, Trial};
use std::collections::BTreeSet;

pub(super) fn body(report: &Report) -> Option<String> {
    if report.trials.is_empty() {
        return Some("<p>The run ended before its first trial.</p>".to_owned());
    }
    let extra: BTreeSet<&String> = report.trials.iter().flat_map(|t| t.metrics.keys()).collect();
    let extra: Vec<&String> = extra.into_iter().filter(|n| **n != report.metric.name).collect();
    let rows: String = report.trials.iter().enumerate().map(|t| row(report, &extra, t)).collect();
    Some(format!(
        "<p class=\"soft\">Click a heading to sort; click a genotype to see all of it.</p><div class=\"scroll tall\"><table class=\"sortable\" id=\"all\"><thead>{}</thead><tbody>{rows}</tbody></table></div>",
        head(report, &extra)
    ))
}

fn head(report: &Report, extra: &[&String]) -> String {
    let number = |name: &str| format!("<th class=\"num\">{}</th>", escape(name));
    let costs: String = report.costs.iter().map(|c| number(&c.name)).collect();
    let extra: String = extra.iter().map(|n| number(n)).collect();
    format!(
        "<tr>{}<th>status</th>{}{extra}{costs}{}{}<th>origin</th><th>genotype or reason</th></tr>",
        number("#"),
        number(&report.metric.name),
        number("epochs"),
        number("time")
    )
}

fn row(report: &Report, extra: &[&String], (i, t): (usize, &Trial)) -> String {
    let costs = report.costs.iter().map(|c| number(t.cost(&c.name), |v| quantity(v, &c.unit)));
    let metrics = extra.iter().map(|name| number(t.metrics.get(*name).copied(), plain));
    let best = if report.best == Some(t.trial) { " class=\"chosen\"" } else { "" };
    let words = if t.finite_value().is_none() && !t.reason.is_empty() { &t.reason } else { &t.genotype };
    format!(
        "<tr{best} id=\"t{i}\" data-tip=\"{}\">{}<td class=\"{}\">{}</td>{}{}{}{}{}<td>{}</td><td class=\"long\">{}</td></tr>",
        escape(&super::words(report, t)),
        number(Some(t.trial as f64), |v| format!("{v}")),
        t.status.name(),
        t.status.name(),
        number(t.finite_value(), |v| metric(v, report.metric.percent)),
        metrics.collect::<String>(),
        costs.collect::<String>(),
        number(Some(t.epochs), plain),
        number(Some(t.seconds), duration),
        escape(&t.origin),
        escape(words)
    )
}

fn number(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    match value.filter(|v| v.is_finite()) {
        Some(v) => format!("<td class=\"num\" data-v=\"{v:?}\">{}</td>", escape(&show(v))),
        None => "<td class=\"num\">–</td>".to_owned(),
    }
}
