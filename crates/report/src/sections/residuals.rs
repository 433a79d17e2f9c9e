//! Regression: prediction against truth, and how the errors spread.

use crate::Report;
use crate::chart::{Axis, Chart};
use crate::quantity::plain;

const MOST_POINTS: usize = 2000;

pub(super) fn body(report: &Report) -> Option<String> {
    let finite: Vec<(f64, f64)> =
        report.residuals.iter().copied().filter(|(t, p)| t.is_finite() && p.is_finite()).collect();
    if finite.is_empty() {
        return None;
    }
    let step = finite.len().div_ceil(MOST_POINTS);
    let pairs: Vec<(f64, f64)> = finite.iter().copied().step_by(step).collect();
    Some(format!("<div class=\"charts\">{}{}</div>", against_truth(&pairs), errors(&pairs)))
}

fn against_truth(pairs: &[(f64, f64)]) -> String {
    let all: Vec<f64> = pairs.iter().flat_map(|p| [p.0, p.1]).collect();
    let mut chart = Chart::new(Axis::linear("truth", &all, plain), Axis::linear("prediction", &all, plain));
    let ends = [f64::min, f64::max].map(|f| all.iter().copied().reduce(f).unwrap_or(0.0));
    chart.line(ends.map(|v| (v, v)), "diagonal");
    for &(truth, prediction) in pairs {
        let words = format!("truth {}\nprediction {}", plain(truth), plain(prediction));
        chart.dot((truth, prediction), 2.6, "trial faint", &words);
    }
    let words =
        format!("prediction against truth for {} test samples; on the line the two agree", pairs.len());
    format!("<figure>{}<figcaption>{words}</figcaption></figure>", chart.svg(&words))
}

fn errors(pairs: &[(f64, f64)]) -> String {
    let errors: Vec<f64> = pairs.iter().map(|(truth, prediction)| prediction - truth).collect();
    let bins = histogram(&errors, &errors, 30);
    let most = bins.iter().map(|b| b.2).max().unwrap_or(1) as f64;
    let x = Axis::linear("prediction − truth", &errors, plain);
    let mut chart = Chart::new(x, Axis::linear("samples", &[0.0, most], plain));
    for (from, to, count) in bins.into_iter().filter(|b| b.2 > 0) {
        let words = format!("{count} samples off by {} to {}", plain(from), plain(to));
        chart.bar((from, to), count as f64, "trial", &words);
    }
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let words = format!("how far predictions are off; on average by {}", plain(mean));
    format!("<figure>{}<figcaption>{words}</figcaption></figure>", chart.svg(&words))
}

/// Equal ranges over `all`, with how many `values` each holds: `(from, to, count)`.
pub(super) fn histogram(all: &[f64], values: &[f64], bins: usize) -> Vec<(f64, f64, usize)> {
    let [low, high] = [f64::min, f64::max].map(|f| all.iter().copied().reduce(f).unwrap_or(0.0));
    let width = if high > low { (high - low) / bins as f64 } else { 0.02 * low.abs().max(1e-3) };
    let mut counts = vec![0; bins];
    values.iter().for_each(|v| counts[(((v - low) / width) as usize).min(bins - 1)] += 1);
    let range = |(i, count)| (low + width * i as f64, low + width * (i + 1) as f64, count);
    counts.into_iter().enumerate().map(range).collect()
}
