//! How good predictions of a positive quantity are.

use serde::{Deserialize, Serialize};

/// What counts as a good prediction: at most so far from the measurement, relative to it.
const CLOSE: f64 = 0.1;

/// Predictions against measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Share of predictions within 10 % of the measurement.
    pub within_10: f64,
    /// Spearman's rank correlation; equal values share their mean rank. Not a number if all are equal.
    pub spearman: f64,
    /// How many there are.
    pub networks: usize,
}

impl Score {
    /// From pairs of a prediction and a measurement above zero.
    pub fn of(pairs: &[(f64, f64)]) -> Self {
        let close = pairs.iter().filter(|(p, m)| (p - m).abs() <= CLOSE * m).count();
        let (predicted, measured): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        Self {
            within_10: close as f64 / pairs.len().max(1) as f64,
            spearman: correlation(&ranks(&predicted), &ranks(&measured)),
            networks: pairs.len(),
        }
    }
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for tie in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = first as f64 + (tie.len() - 1) as f64 / 2.0;
        tie.iter().for_each(|&i| ranks[i] = mean);
        first += tie.len();
    }
    ranks
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let sum = |f: fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - mean_a, y - mean_b)).sum::<f64>();
    sum(|x, y| x * y) / (sum(|x, _| x * x) * sum(|_, y| y * y)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_close_ones_and_correlates_ranks() {
        let score = Score::of(&[(1.05, 1.0), (2.5, 2.0), (3.9, 4.0), (3.9, 8.0)]);
        assert_eq!((score.within_10, score.networks), (0.5, 4));
        // Ranks 0, 1, 2.5, 2.5 against 0, 1, 2, 3: covariance 4.5, variances 4.5 and 5.
        assert!((score.spearman - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1e-12);
        assert_eq!(Score::of(&[(3.0, 1.0), (2.0, 2.0), (1.0, 3.0)]).spearman, -1.0);
    }
}
