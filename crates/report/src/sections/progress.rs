//! Best value so far, by trial and by time.

use super::tip;
use crate::chart::{Axis, Chart};
use crate::quantity::{metric_tick, plain};
use crate::{Report, Trial};

pub(super) fn body(report: &Report) -> Option<String> {
    if report.trials.is_empty() {
        return None;
    }
    let by_trial = chart(report, "trial", &|t| t.trial as f64);
    let last = report.trials.iter().map(|t| t.finished_at).fold(0.0, f64::max);
    let (unit, seconds) = match last {
        s if s > 5400.0 => ("hours", 3600.0),
        s if s > 90.0 => ("minutes", 60.0),
        _ => ("seconds", 1.0),
    };
    let by_time = chart(report, &format!("{unit} since the start"), &|t| t.finished_at / seconds);
    let failed = report.trials.iter().any(|t| t.finite_value().is_none());
    let failed = if failed { "<span><i class=\"key failed\"></i>failed</span>" } else { "" };
    let legend = format!(
        "<p class=\"legend\"><span><i class=\"key trial\"></i>trial</span><span><i class=\"key random\"></i>random trial</span><span><i class=\"key front\"></i>best so far, longest training only</span>{failed}</p>"
    );
    Some(format!("{legend}<div class=\"charts\">{by_trial}{by_time}</div>"))
}

fn chart(report: &Report, label: &str, x: &dyn Fn(&Trial) -> f64) -> String {
    let mut trials: Vec<&Trial> = report.trials.iter().filter(|t| x(t).is_finite()).collect();
    trials.sort_by(|a, b| x(a).total_cmp(&x(b)));
    let ys: Vec<f64> = trials.iter().filter_map(|t| t.finite_value()).collect();
    let xs: Vec<f64> = trials.iter().map(|t| x(t)).collect();
    let y = Axis::linear(&report.metric.name, &ys, |v| metric_tick(v, report.metric.percent));
    let mut chart = Chart::new(Axis::tight(label, &xs, plain), y);
    let full = report.full_fidelity();
    for t in &trials {
        let fidelity = if Some((t.rung, t.epochs)) == full { "" } else { " faint" };
        let class = if t.origin == "random" { "random" } else { "trial" };
        match t.finite_value() {
            Some(v) => chart.dot((x(t), v), 3.5, &format!("{class}{fidelity}"), &tip(report, t)),
            None => chart.cross(x(t), "failed", &tip(report, t)),
        }
    }
    chart.line(best_so_far(report, &trials, x), "front");
    let words = format!("{} of {} trials by {label}", report.metric.name, trials.len());
    format!("<figure>{}</figure>", chart.svg(&words))
}

/// Corners of the staircase of best values among trials at the highest fidelity.
fn best_so_far(report: &Report, trials: &[&Trial], x: &dyn Fn(&Trial) -> f64) -> Vec<(f64, f64)> {
    let full = report.full_fidelity();
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for t in trials.iter().filter(|t| Some((t.rung, t.epochs)) == full) {
        let Some(value) = t.finite_value() else { continue };
        let best = corners.last().map(|c| c.1);
        if best.is_none_or(|b| report.metric.better(value, b)) {
            corners.extend(best.map(|b| (x(t), b)));
            corners.push((x(t), value));
        }
    }
    let end = trials.last().zip(corners.last()).map(|(t, c)| (x(t), c.1));
    corners.extend(end);
    corners
}
