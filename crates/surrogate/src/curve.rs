//! Where learning curves end.
//!
//! Baker, Gupta, Raskar and Naik: "Accelerating Neural Architecture Search using Performance Prediction", 2017 (ICLR workshop 2018):
//! regression models, one for each length of curve, from the values so far and their differences, with an uncertainty, learned from the
//! curves of other networks. Here each model predicts the next value only, and a curve's end follows from all of them in turn:
//! whether a curve goes on depends on the values so far, which are the model's inputs, so that curves that were stopped
//! leave no bias (Rubin 1976: missing at random); a model of the end would know only the curves that were worth ending.

use crate::{Cholesky, Matrix, Prediction};

/// Strength of the prior of the weights, which are those of inputs with variance 1.
const RIDGE: f64 = 0.1;
/// Gains farther from the quartiles than so many times their distance count as if they were there: networks that diverge say nothing
/// about the others.
const FENCE: f64 = 3.0;
/// Fewest steps that a model is learned from.
const FEWEST: usize = 4;

/// The steps of curves from each rung to the next.
#[derive(Clone, Debug)]
pub struct CurveModel {
    /// From rung `r` to rung `r + 1`.
    steps: Vec<Step>,
}

/// A Bayesian linear regression of the gain on the value and the gain before it.
#[derive(Clone, Debug)]
struct Step {
    /// Mean of each input, and what makes its variance 1.
    scales: Vec<(f64, f64)>,
    factor: Cholesky,
    weights: Vec<f64>,
    noise: f64,
}

impl CurveModel {
    /// Learns from curves of any lengths up to `rungs`, lowest rung first. `None` if too few of them reach the last rung.
    pub fn fit(curves: &[&[f64]], rungs: usize) -> Option<Self> {
        let steps = (1..rungs).map(|length| {
            let longer = curves.iter().filter(|curve| curve.len() > length);
            let inputs: Vec<Vec<f64>> = longer.clone().map(|curve| inputs(&curve[..length])).collect();
            let gains: Vec<f64> = longer.map(|curve| curve[length] - curve[length - 1]).collect();
            Step::fit(&inputs, &fenced(gains))
        });
        Some(Self { steps: steps.collect::<Option<_>>()? })
    }

    /// The last value of a curve that has begun; of an empty one nothing is known.
    pub fn last(&self, begun: &[f64]) -> Option<Prediction> {
        let mut value = *begun.last()?;
        let mut before = begun.len().checked_sub(2).map(|i| begun[i]);
        // Variances of the value and of the one before it, and their covariance.
        let (mut var, mut var_before, mut covariance) = (0.0, 0.0, 0.0);
        for step in self.steps.get(begun.len() - 1..)? {
            let known = match before {
                Some(before) => vec![before, value],
                None => vec![value],
            };
            let (gain, spread, slopes) = step.predict(&inputs(&known));
            // The next value depends on this one by `a`, and on the one before by `b`.
            let by_gain = slopes.get(1).copied().unwrap_or(0.0);
            let (a, b) = (1.0 + slopes[0] + by_gain, -by_gain);
            let next = spread + a * a * var + 2.0 * a * b * covariance + b * b * var_before;
            (covariance, var_before, var) = (a * var + b * covariance, var, next);
            (before, value) = (Some(value), value + gain);
        }
        Some(Prediction { mean: value, variance: var })
    }
}

/// The last value of a curve, and its last gain if it has one.
fn inputs(curve: &[f64]) -> Vec<f64> {
    match curve {
        [.., before, value] => vec![*value, value - before],
        _ => curve.to_vec(),
    }
}

impl Step {
    fn fit(inputs: &[Vec<f64>], gains: &[f64]) -> Option<Self> {
        let (n, width) = (inputs.len(), inputs.first()?.len());
        if n < FEWEST {
            return None;
        }
        let scale = |column: usize| {
            let values: Vec<f64> = inputs.iter().map(|row| row[column]).collect();
            let mean = values.iter().sum::<f64>() / n as f64;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
            (mean, if variance > 0.0 { 1.0 / variance.sqrt() } else { 0.0 })
        };
        let scales: Vec<(f64, f64)> = (0..width).map(scale).collect();
        let rows: Vec<Vec<f64>> = inputs.iter().map(|row| scaled(row, &scales)).collect();
        let product = |i: usize, j: usize| rows.iter().map(|row| row[i] * row[j]).sum::<f64>();
        let factor = Cholesky::new(&Matrix::symmetric(width + 1, product), RIDGE)?;
        // The intercept is shrunk towards the mean gain, the other weights towards 0.
        let mean = gains.iter().sum::<f64>() / n as f64;
        let right: Vec<f64> = (0..=width)
            .map(|i| rows.iter().zip(gains).map(|(row, gain)| row[i] * (gain - mean)).sum())
            .collect();
        let mut weights = factor.solve(&right);
        weights[0] += mean;
        let errors = rows.iter().zip(gains).map(|(row, gain)| (gain - dot(row, &weights)).powi(2));
        // Each weight takes one degree of freedom.
        let noise = errors.sum::<f64>() / (n as f64 - width as f64 - 1.0).max(1.0);
        Some(Self { scales, factor, weights, noise })
    }

    /// Mean of the gain, its variance, and its slope with each input.
    fn predict(&self, inputs: &[f64]) -> (f64, f64, Vec<f64>) {
        let row = scaled(inputs, &self.scales);
        let seen = self.factor.forward(&row);
        let slopes = self.scales.iter().zip(&self.weights[1..]).map(|((_, scale), w)| w * scale);
        (dot(&row, &self.weights), self.noise * (1.0 + dot(&seen, &seen)), slopes.collect())
    }
}

/// A 1 for the intercept, then the inputs with mean 0 and variance 1.
fn scaled(inputs: &[f64], scales: &[(f64, f64)]) -> Vec<f64> {
    let scaled = inputs.iter().zip(scales).map(|(x, (mean, scale))| (x - mean) * scale);
    std::iter::once(1.0).chain(scaled).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Values with the outer ones moved to the fences.
fn fenced(mut values: Vec<f64>) -> Vec<f64> {
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    if let Some(last) = sorted.len().checked_sub(1) {
        let (low, high) = (sorted[last / 4], sorted[last - last / 4]);
        let reach = FENCE * (high - low);
        values.iter_mut().for_each(|v| *v = v.clamp(low - reach, high + reach));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquisition::normal;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus as Rng;

    const RUNGS: usize = 5;

    /// Curves that approach a height at a rate, both of them random, with noise.
    fn curves(n: usize, noise: f64, seed: u64) -> Vec<Vec<f64>> {
        let mut rng = Rng::seed_from_u64(seed);
        let curve = |_| {
            let (height, share) = (0.7 + 0.25 * rng.random::<f64>(), 0.3 + 0.4 * rng.random::<f64>());
            (0..RUNGS).map(|r| height - 0.5 * share.powi(r as i32) + noise * normal(&mut rng)).collect()
        };
        (0..n).map(curve).collect()
    }

    fn fit(curves: &[Vec<f64>]) -> Option<CurveModel> {
        CurveModel::fit(&curves.iter().map(Vec::as_slice).collect::<Vec<_>>(), RUNGS)
    }

    #[test]
    fn intervals_hold_the_ends_as_often_as_they_say() {
        let model = fit(&curves(60, 0.005, 1)).unwrap();
        for length in 1..RUNGS {
            let unseen = curves(2000, 0.005, 2);
            let ends = unseen.iter().map(|curve| (curve[RUNGS - 1], model.last(&curve[..length]).unwrap()));
            let inside = ends.filter(|(end, p)| (end - p.mean).abs() < 1.645 * p.variance.sqrt()).count();
            // At least: steps of a curve make up for each other, which the chain of models does not know.
            assert!(inside > 1700, "{inside} of 2000 from {length} values, not 1800");
            assert!(length == 1 || inside < 1900, "{inside} of 2000 from {length} values, not 1800");
        }
    }

    #[test]
    fn longer_curves_say_more() {
        let model = fit(&curves(60, 0.001, 1)).unwrap();
        let curve = &curves(1, 0.001, 3)[0];
        let spreads: Vec<f64> =
            (1..=RUNGS).map(|length| model.last(&curve[..length]).unwrap().variance).collect();
        assert!(spreads.is_sorted_by(|a, b| a > b), "{spreads:?}");
        assert_eq!(spreads[RUNGS - 1], 0.0);
    }

    #[test]
    fn stopped_curves_leave_no_bias() {
        // Most curves are stopped on the second rung, by their values there. A regression of the ends of those that remain on their
        // first values would be some 0.01 too high.
        let mut all = curves(3000, 0.01, 5);
        for (i, curve) in all.iter_mut().enumerate() {
            let kept = if curve[1] > 0.65 || i % 10 == 0 { RUNGS } else { 2 };
            curve.truncate(kept);
        }
        let model = fit(&all).unwrap();
        let unseen = curves(2000, 0.01, 6);
        let errors = unseen.iter().map(|c| model.last(&c[..1]).unwrap().mean - c[RUNGS - 1]);
        let bias = errors.sum::<f64>() / 2000.0;
        assert!(bias.abs() < 0.005, "{bias}");
    }

    #[test]
    fn one_that_diverges_changes_little() {
        let mut all = curves(60, 0.005, 1);
        let before = fit(&all).unwrap().last(&[0.4, 0.55]).unwrap();
        all[7] = vec![0.4, 0.5, -1e9, -1e12, -1e15];
        all[8].truncate(1);
        let after = fit(&all).unwrap().last(&[0.4, 0.55]).unwrap();
        assert!((before.mean - after.mean).abs() < 0.1, "{before:?} {after:?}");
    }

    #[test]
    fn too_few_curves_are_no_model() {
        assert!(fit(&curves(3, 0.0, 1)).is_none());
        assert!(fit(&vec![vec![0.5; 2]; 30]).is_none());
        let level = fit(&vec![vec![0.5; RUNGS]; 30]).unwrap();
        assert_eq!(level.last(&[0.5]), Some(Prediction { mean: 0.5, variance: 0.0 }));
        assert_eq!(level.last(&[]), None);
    }
}
