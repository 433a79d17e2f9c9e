//! The answer in one line, and the numbers behind it.

use crate::Report;
use crate::Status;
use crate::escape::escape;
use crate::quantity::{duration, metric, quantity};

pub(super) fn body(report: &Report) -> Option<String> {
    let notes: String = report.notes.iter().map(|n| format!("<p class=\"note\">{}</p>", escape(n))).collect();
    Some(format!(
        "<p class=\"answer\">{}</p><div class=\"tiles\">{}</div>{notes}",
        answer(report),
        tiles(report)
    ))
}

/// What accuracy at what cost, and whether the limits hold.
fn answer(report: &Report) -> String {
    let Some((value, part)) = value(report) else {
        return format!("<strong>No network was found.</strong> {}", why(report));
    };
    let name = escape(&report.metric.name);
    let value = metric(value, report.metric.percent);
    let best = report.best_trial();
    let costs = report
        .costs
        .iter()
        .filter_map(|c| Some(format!("{} {}", quantity(best?.cost(&c.name)?, &c.unit), escape(&c.name))));
    let costs: Vec<String> = costs.take(3).collect();
    let at = if costs.is_empty() { String::new() } else { format!(" at {}", costs.join(", ")) };
    format!("<strong>{value} {part}{name}</strong>{at}. {}", verdict(report))
}

/// Why there is no network.
fn why(report: &Report) -> &'static str {
    match report.trials.iter().any(|t| t.finite_value().is_some()) {
        _ if report.trials.is_empty() => "The run ended before its first trial.",
        true => "Trials ended with values, but none was chosen.",
        false => "No trial ended with a value; the table of trials says why.",
    }
}

/// The best number there is for the network: on the test part, else of its trial.
fn value(report: &Report) -> Option<(f64, &'static str)> {
    let on = |part: &std::collections::BTreeMap<String, f64>| {
        part.get(&report.metric.name).copied().filter(|v| v.is_finite())
    };
    let test = on(&report.metrics.test).map(|v| (v, "test "));
    let valid = || on(&report.metrics.valid).map(|v| (v, "validation "));
    test.or_else(valid).or_else(|| Some((report.best_trial()?.finite_value()?, "")))
}

fn verdict(report: &Report) -> String {
    let broken: Vec<String> =
        report.certificate.iter().filter(|r| !r.holds).map(|r| escape(&r.limit)).collect();
    match (report.certificate.len(), broken.len()) {
        (0, _) if report.limits.is_empty() => "No limits were set.".to_owned(),
        (0, _) => "The limits have not been certified.".to_owned(),
        (1, 0) => "<span class=\"good\">The limit is kept.</span>".to_owned(),
        (2, 0) => "<span class=\"good\">Both limits are kept.</span>".to_owned(),
        (n, 0) => format!("<span class=\"good\">All {n} limits are kept.</span>"),
        (n, b) => format!("<span class=\"bad\">{b} of {n} limits broken: {}.</span>", broken.join(", ")),
    }
}

fn tiles(report: &Report) -> String {
    let best = report.best_trial();
    let costs = report.costs.iter().filter_map(|c| {
        let value = best?.cost(&c.name)?;
        let limit = report.limit(&c.name).filter(|l| l.bound > 0.0);
        let bar = limit.map(|l| usage(value / l.bound, &quantity(l.bound, &c.unit)));
        Some(tile(&c.name, &quantity(value, &c.unit), &bar.unwrap_or_default()))
    });
    let count = |status| report.trials.iter().filter(|t| t.status == status).count();
    let (ok, failed, cached) = (count(Status::Ok), count(Status::Failed), count(Status::Cached));
    let words = format!("{ok} ok · {cached} cached · {failed} failed");
    let run = [
        tile("trials", &report.trials.len().to_string(), &format!("<small>{words}</small>")),
        tile("time", &duration(report.elapsed), &format!("<small>{}</small>", escape(&report.strategy))),
    ];
    costs.chain(run).collect()
}

fn usage(share: f64, bound: &str) -> String {
    let (class, width) = (if share > 1.0 { "over" } else { "within" }, 100.0 * share.clamp(0.0, 1.0));
    format!(
        "<div class=\"meter\"><i class=\"{class}\" style=\"width:{width:.1}%\"></i></div><small>{:.0} % of {bound}</small>",
        100.0 * share
    )
}

fn tile(name: &str, value: &str, more: &str) -> String {
    format!("<div class=\"tile\"><span>{}</span><b>{value}</b>{more}</div>", escape(name))
}
