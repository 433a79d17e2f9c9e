//! The sections of the page, one per file. [`SECTIONS`] is the only list of them.

mod certificate;
mod confusion;
mod costs;
mod front;
mod metrics;
mod motifs;
mod network;
mod progress;
mod random;
mod relaxed;
mod residuals;
mod setup;
mod summary;
mod trials;
mod why;

use crate::Report;

/// One section of the page.
pub(crate) struct Section {
    /// Anchor.
    pub(crate) id: &'static str,
    /// Heading.
    pub(crate) title: &'static str,
    /// Its HTML, or nothing where the report has nothing for it.
    pub(crate) body: fn(&Report) -> Option<String>,
}

/// All sections in the order of the page.
pub(crate) static SECTIONS: &[Section] = &[
    Section { id: "summary", title: "", body: summary::body },
    Section { id: "limits", title: "Limits", body: certificate::body },
    Section { id: "front", title: "The front", body: front::body },
    Section { id: "costs", title: "Quality against cost", body: costs::body },
    Section { id: "random", title: "Is it better than chance?", body: random::body },
    Section { id: "progress", title: "Progress", body: progress::body },
    Section { id: "relaxed", title: "How the choices were made", body: relaxed::body },
    Section { id: "network", title: "The network", body: network::body },
    Section { id: "why", title: "Why this network", body: why::body },
    Section { id: "motifs", title: "What good networks have in common", body: motifs::body },
    Section { id: "metrics", title: "Metrics", body: metrics::body },
    Section { id: "confusion", title: "What it mixes up", body: confusion::body },
    Section { id: "residuals", title: "How far it is off", body: residuals::body },
    Section { id: "trials", title: "Every trial", body: trials::body },
    Section { id: "setup", title: "How it was run", body: setup::body },
];

/// Where the words for a mark of `trial` stand: in its row of the table, once for all charts.
fn tip(report: &Report, trial: &crate::Trial) -> String {
    let at = report.trials.iter().position(|t| std::ptr::eq(t, trial));
    at.map_or_else(String::new, |i| format!("#t{i}"))
}

/// A trial in a few lines, for tooltips.
fn words(report: &Report, trial: &crate::Trial) -> String {
    let value = trial.finite_value().map(|v| crate::quantity::metric(v, report.metric.percent));
    let value =
        value.map_or_else(|| trial.status.name().to_owned(), |v| format!("{} {v}", report.metric.name));
    let costs = report.costs.iter().filter_map(|c| {
        Some(format!("{} {}", c.name, crate::quantity::quantity(trial.cost(&c.name)?, &c.unit)))
    });
    let reason = (!trial.reason.is_empty()).then(|| trial.reason.clone());
    let first =
        format!("trial {} ({})", trial.trial, if trial.origin.is_empty() { "–" } else { &trial.origin });
    let lines = [first, value].into_iter().chain(costs).chain(reason);
    lines.chain([shortened(&trial.genotype, 160)]).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The first `most` characters.
fn shortened(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
