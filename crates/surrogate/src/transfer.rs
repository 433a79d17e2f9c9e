//! A function from a few samples, where similar functions are known: empirical Bayes.
//!
//! The known functions, e.g. logarithms of latencies on other devices, have a mean and deviations from it. The new function is
//! the mean, moved and stretched, plus a mixture of the deviations with normal weights: Bayesian linear regression (Rasmussen and
//! Williams 2006, section 2.1) whose prior is the known functions' empirical covariance. The setting, a new device with 3 to 10 measured
//! networks, is that of Abbasi et al.: "MAPLE: Microprocessor A Priori for Latency Estimation", 2022; Lee et al.: "HELP:
//! Hardware-Adaptive Efficient Latency Prediction for NAS via Meta-Learning", NeurIPS 2021.

use crate::linear::dot;
use crate::{Cholesky, Matrix, Prediction};

/// Standard deviations of the new function's offset from what the samples' median says, and of its stretch from 1.
const OFFSET: f64 = 0.3;
const STRETCH: f64 = 0.3;
/// Variances of the noise of a sample, relative to the prior; the most likely one is taken.
const NOISES: [f64; 5] = [1e-4, 1e-3, 3e-3, 1e-2, 3e-2];
/// The noise that a design reckons with.
const DESIGN_NOISE: f64 = 3e-3;
/// How many samples the prior's scale is worth.
const BELIEF: f64 = 4.0;

/// What is known of similar functions: their mean levels. A point is given by their values there.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    centres: Vec<f64>,
}

impl Known {
    /// From the known functions' values, one row for each point of a pool that stands for all points. `None` without points or functions.
    pub fn new(pool: &[Vec<f64>]) -> Option<Self> {
        let functions = pool.first()?.len();
        let mean = |d: usize| pool.iter().map(|values| values[d]).sum::<f64>() / pool.len() as f64;
        (functions > 0 && pool.iter().all(|row| row.len() == functions))
            .then(|| Self { centres: (0..functions).map(mean).collect() })
    }

    /// From mean levels.
    pub fn from_centres(centres: Vec<f64>) -> Option<Self> {
        (!centres.is_empty()).then_some(Self { centres })
    }

    /// Mean of each function over the pool.
    pub fn centres(&self) -> &[f64] {
        &self.centres
    }

    /// Mean over the functions of what they say of a point, without their levels.
    fn shape(&self, values: &[f64]) -> f64 {
        values.iter().zip(&self.centres).map(|(v, c)| v - c).sum::<f64>() / self.centres.len() as f64
    }

    /// What the weights of the new function multiply.
    fn features(&self, values: &[f64]) -> Vec<f64> {
        let shape = self.shape(values);
        let root = (self.centres.len() as f64).sqrt();
        let deviations = values.iter().zip(&self.centres).map(|(v, c)| (v - c - shape) / root);
        [OFFSET, STRETCH * shape].into_iter().chain(deviations).collect()
    }

    /// Points to sample: each is the one that leaves the smallest variance, summed over the pool (A-optimal, greedy). At most as many as
    /// the pool has.
    pub fn choose(&self, pool: &[Vec<f64>], count: usize) -> Vec<usize> {
        let features: Vec<Vec<f64>> = pool.iter().map(|values| self.features(values)).collect();
        let p = self.centres.len() + 2;
        let scatter = Matrix::symmetric(p, |i, j| features.iter().map(|f| f[i] * f[j]).sum());
        let mut covariance = Matrix::symmetric(p, |i, j| f64::from(u8::from(i == j)));
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < count.min(pool.len()) {
            let gain = |i: usize| {
                let toward = times(&covariance, &features[i]);
                dot(&toward, &times(&scatter, &toward)) / (dot(&features[i], &toward) + DESIGN_NOISE)
            };
            let left = (0..pool.len()).filter(|i| !chosen.contains(i));
            let Some((best, _)) = left.map(|i| (i, gain(i))).max_by(|a, b| a.1.total_cmp(&b.1)) else {
                break;
            };
            let toward = times(&covariance, &features[best]);
            let variance = dot(&features[best], &toward) + DESIGN_NOISE;
            covariance = Matrix::symmetric(p, |i, j| covariance.row(i)[j] - toward[i] * toward[j] / variance);
            chosen.push(best);
        }
        chosen
    }
}

fn times(matrix: &Matrix, vector: &[f64]) -> Vec<f64> {
    (0..matrix.size()).map(|i| dot(matrix.row(i), vector)).collect()
}

/// A new function.
#[derive(Clone, Debug)]
pub struct Transfer {
    known: Known,
    offset: f64,
    weights: Vec<f64>,
    seen: Vec<Vec<f64>>,
    factor: Cholesky,
    noise: f64,
    scale: f64,
}

impl Transfer {
    /// From the known functions' values at the sampled points and the new function's values there. `None` without samples, or if rows
    /// are not as long as there are known functions.
    pub fn fit(known: &Known, samples: &[Vec<f64>], targets: &[f64]) -> Option<Self> {
        let fits = samples.iter().all(|values| values.len() == known.centres.len());
        if samples.is_empty() || samples.len() != targets.len() || !fits {
            return None;
        }
        let rest: Vec<f64> = samples.iter().zip(targets).map(|(v, y)| y - known.shape(v)).collect();
        let mut sorted = rest.clone();
        sorted.sort_by(f64::total_cmp);
        let offset = sorted[sorted.len() / 2];
        let rest: Vec<f64> = rest.iter().map(|r| r - offset).collect();
        let seen: Vec<Vec<f64>> = samples.iter().map(|values| known.features(values)).collect();
        let gram = Matrix::symmetric(seen.len(), |i, j| dot(&seen[i], &seen[j]));
        let n = rest.len() as f64;
        // The scale's prior is an inverse gamma distribution around 1, so the targets' is Student's.
        let with = |noise: f64| {
            let factor = Cholesky::new(&gram, noise)?;
            let pull = factor.solve(&rest);
            let misfit = BELIEF + dot(&pull, &rest);
            let likelihood = -0.5 * (factor.log_determinant() + (BELIEF + n) * misfit.ln());
            Some((likelihood, noise, factor, pull, misfit / (BELIEF + n)))
        };
        let best = NOISES.into_iter().filter_map(with).max_by(|a, b| a.0.total_cmp(&b.0));
        let (_, noise, factor, pull, scale) = best?;
        let weight = |p: usize| seen.iter().zip(&pull).map(|(f, a)| f[p] * a).sum();
        let weights = (0..known.centres.len() + 2).map(weight).collect();
        Some(Self { known: known.clone(), offset, weights, seen, factor, noise, scale })
    }

    /// The value at a point, from the known functions' values there; the variance is that of one sample, noise included.
    pub fn predict(&self, values: &[f64]) -> Prediction {
        let features = self.known.features(values);
        let to_samples: Vec<f64> = self.seen.iter().map(|seen| dot(seen, &features)).collect();
        let explained = self.factor.forward(&to_samples);
        let variance = (dot(&features, &features) - dot(&explained, &explained)).max(0.0) + self.noise;
        Prediction { mean: self.mean(values), variance: self.scale * variance }
    }

    /// The mean alone, which is cheaper.
    pub fn mean(&self, values: &[f64]) -> f64 {
        self.offset + self.known.shape(values) + dot(&self.known.features(values), &self.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five functions of a point, from three that mix in different ways; `mix` gives one function its own.
    fn at(x: f64, mix: [f64; 3]) -> f64 {
        mix[0] * x + mix[1] * (3.0 * x).sin() + mix[2] * (7.0 * x).cos()
    }

    fn known(x: f64) -> Vec<f64> {
        let mixes = [[1.0, 0.5, 0.1], [1.2, 0.2, 0.3], [0.8, 0.4, -0.2], [1.1, -0.1, 0.2], [0.9, 0.3, 0.0]];
        mixes.iter().enumerate().map(|(i, &mix)| i as f64 + at(x, mix)).collect()
    }

    fn pool() -> Vec<Vec<f64>> {
        (0..100).map(|i| known(f64::from(i) / 25.0)).collect()
    }

    #[test]
    fn a_mixture_of_known_functions_needs_few_samples() {
        let prior = Known::new(&pool()).unwrap();
        let target = |x: f64| 7.0 + at(x, [1.05, 0.35, 0.25]);
        let samples: Vec<usize> = prior.choose(&pool(), 6);
        let x = |i: usize| i as f64 / 25.0;
        let values: Vec<Vec<f64>> = samples.iter().map(|&i| known(x(i))).collect();
        let targets: Vec<f64> = samples.iter().map(|&i| target(x(i))).collect();
        let transfer = Transfer::fit(&prior, &values, &targets).unwrap();
        for i in 0..100 {
            let prediction = transfer.predict(&known(x(i)));
            assert!((prediction.mean - target(x(i))).abs() < 0.05, "at {i}: {prediction:?}");
            assert_eq!(prediction.mean, transfer.mean(&known(x(i))));
        }
    }

    #[test]
    fn a_design_tells_more_than_neighbours_do() {
        let prior = Known::new(&pool()).unwrap();
        let chosen = prior.choose(&pool(), 4);
        assert_eq!(chosen.len(), 4);
        let variance = |points: &[usize]| {
            let values: Vec<Vec<f64>> = points.iter().map(|&i| pool()[i].clone()).collect();
            let transfer = Transfer::fit(&prior, &values, &[0.0; 4]).unwrap();
            pool().iter().map(|v| transfer.predict(v).variance).sum::<f64>()
        };
        assert!(variance(&chosen) < 0.5 * variance(&[0, 1, 2, 3]), "{chosen:?}");
        assert_eq!(prior.choose(&pool()[..3], 9).len(), 3);
    }

    #[test]
    fn one_sample_moves_the_mean_of_the_known_functions() {
        let prior = Known::new(&pool()).unwrap();
        let transfer = Transfer::fit(&prior, &pool()[..1], &[40.0]).unwrap();
        assert!((transfer.mean(&pool()[0]) - 40.0).abs() < 1e-9);
        assert!(Transfer::fit(&prior, &[], &[]).is_none());
        assert!(Transfer::fit(&prior, &[vec![0.0]], &[1.0]).is_none());
    }
}
