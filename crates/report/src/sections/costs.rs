//! Accuracy against each cost.

use super::tip;
use crate::chart::{Axis, Chart};
use crate::escape::escape;
use crate::quantity::{metric_tick, quantity};
use crate::{Cost, Report, Trial};

pub(super) fn body(report: &Report) -> Option<String> {
    let charts: String = report.costs.iter().filter_map(|c| chart(report, c)).collect();
    let full = report.full_fidelity()?;
    let partial = report.trials.iter().any(|t| t.finite_value().is_some() && (t.rung, t.epochs) != full);
    let partial = if partial { "<span><i class=\"key faint\"></i>shorter training</span>" } else { "" };
    let legend = format!(
        "<p class=\"legend\"><span><i class=\"key trial\"></i>trial</span>{partial}<span><i class=\"key front\"></i>best for its cost (Pareto front)</span><span><i class=\"key best\"></i>found network</span><span><i class=\"key limit\"></i>limit</span></p>"
    );
    (!charts.is_empty()).then(|| format!("{legend}<div class=\"charts\">{charts}</div>"))
}

fn chart(report: &Report, cost: &Cost) -> Option<String> {
    let point = |t: &Trial| Some((t.cost(&cost.name)?, t.finite_value()?));
    let points: Vec<(f64, f64)> = report.trials.iter().filter_map(point).collect();
    if points.is_empty() {
        return None;
    }
    let limit = report.limit(&cost.name).map(|l| l.bound);
    let xs: Vec<f64> = points.iter().map(|p| p.0).chain(limit).collect();
    let ys: Vec<f64> = points.iter().map(|p| p.1).collect();
    let y = Axis::linear(&report.metric.name, &ys, |v| metric_tick(v, report.metric.percent));
    let mut chart = Chart::new(Axis::cost(&cost.name, &cost.unit, &xs), y);
    let full = report.full_fidelity();
    for trial in report.trials.iter() {
        let Some(at) = point(trial) else { continue };
        let class = if Some((trial.rung, trial.epochs)) == full { "trial" } else { "trial faint" };
        chart.dot(at, 3.5, class, &tip(report, trial));
    }
    let front = front(report.full_trials().filter_map(|t| Some((point(t)?, t))).collect(), &report.metric);
    chart.line(steps(&front), "front");
    front.iter().for_each(|(at, t)| chart.dot(*at, 4.0, "front", &tip(report, t)));
    if let Some(bound) = limit {
        chart.wall(bound, "limit", &format!("limit {}", quantity(bound, &cost.unit)), false);
    }
    if let Some((at, best)) = report.best_trial().and_then(|t| Some((point(t)?, t))) {
        chart.dot(at, 7.0, "best", &tip(report, best));
    }
    let words = format!("{} against {}, {} trials", report.metric.name, cost.name, points.len());
    Some(format!("<figure>{}<figcaption>{}</figcaption></figure>", chart.svg(&words), escape(&words)))
}

type Point<'t> = ((f64, f64), &'t Trial);

/// Points that no other point beats in both cost and value, from cheap to dear.
fn front<'t>(mut points: Vec<Point<'t>>, metric: &crate::Metric) -> Vec<Point<'t>> {
    let sign = if metric.higher_is_better { -1.0 } else { 1.0 };
    points.sort_by(|a, b| a.0.0.total_cmp(&b.0.0).then((sign * a.0.1).total_cmp(&(sign * b.0.1))));
    let mut front: Vec<Point> = Vec::new();
    for p in points {
        if front.last().is_none_or(|last| metric.better(p.0.1, last.0.1)) {
            front.push(p);
        }
    }
    front
}

/// The front as a staircase: a value is to be had from its cost on.
fn steps(front: &[Point]) -> Vec<(f64, f64)> {
    let first = front.first().map(|p| p.0);
    let corners = front.windows(2).flat_map(|w| [(w[1].0.0, w[0].0.1), w[1].0]);
    first.into_iter().chain(corners).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_holds_what_nothing_beats() {
        let t = Trial::default();
        let points = [(3.0, 0.9), (1.0, 0.5), (2.0, 0.4), (1.0, 0.6), (4.0, 0.9)].map(|p| (p, &t)).to_vec();
        let at: Vec<_> = front(points, &crate::Metric::default()).iter().map(|p| p.0).collect();
        assert_eq!(at, [(1.0, 0.6), (3.0, 0.9)]);
    }
}
