//! Gaussian process regression with a given kernel (Rasmussen and Williams 2006, algorithm 2.1).

use crate::{Cholesky, Matrix};

/// Mean and variance of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Mean.
    pub mean: f64,
    /// Variance, without the noise of an observation.
    pub variance: f64,
}

/// Targets `y = m + f + noise` with `f ~ GP(0, s K)` and noise of variance `s noise`: `m` is the targets' mean, and the scale `s` is
/// the one that makes them most likely.
#[derive(Clone, Debug)]
pub struct GaussianProcess {
    factor: Cholesky,
    weights: Vec<f64>,
    mean: f64,
    scale: f64,
    log_likelihood: f64,
}

impl GaussianProcess {
    /// Fits to targets, one for each row of the kernel matrix; `noise` is relative to the kernel. `None` without targets, or if the
    /// matrix is not positive definite with this noise.
    pub fn fit(kernel: &Matrix, targets: &[f64], noise: f64) -> Option<Self> {
        let n = targets.len() as f64;
        if targets.is_empty() || kernel.size() != targets.len() {
            return None;
        }
        let mean = targets.iter().sum::<f64>() / n;
        let centred: Vec<f64> = targets.iter().map(|y| y - mean).collect();
        let factor = Cholesky::new(kernel, noise)?;
        let weights = factor.solve(&centred);
        // The maximum of the likelihood over the scale is analytic; equal targets have none.
        let scale = (weights.iter().zip(&centred).map(|(w, y)| w * y).sum::<f64>() / n).max(1e-12);
        let log_likelihood =
            -0.5 * (n * (scale.ln() + 1.0 + std::f64::consts::TAU.ln()) + factor.log_determinant());
        Some(Self { factor, weights, mean, scale, log_likelihood })
    }

    /// Logarithm of the marginal likelihood of the targets (equation 2.30).
    pub fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// The most likely factor of the kernel: its variance.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The value of a point with these kernel values to the data and to itself.
    pub fn predict(&self, to_data: &[f64], to_itself: f64) -> Prediction {
        let seen = self.factor.forward(to_data);
        let variance = self.scale * (to_itself - crate::linear::dot(&seen, &seen)).max(0.0);
        Prediction { mean: self.mean(to_data), variance }
    }

    /// The mean alone, which is cheaper.
    pub fn mean(&self, to_data: &[f64]) -> f64 {
        self.mean + crate::linear::dot(to_data, &self.weights)
    }

    /// Covariances of points, without noise: `seen` holds the kernel values of each to the data, `among` those among them.
    pub fn covariance(&self, seen: &[Vec<f64>], among: &Matrix) -> Matrix {
        let seen: Vec<Vec<f64>> = seen.iter().map(|to_data| self.factor.forward(to_data)).collect();
        Matrix::symmetric(seen.len(), |i, j| {
            self.scale * (among.row(i)[j] - crate::linear::dot(&seen[i], &seen[j]))
        })
    }

    /// The derivatives of the logarithm of the likelihood with respect to all entries of the kernel matrix, of which noise is on the
    /// diagonal (Rasmussen and Williams 2006, equation 5.9, at the most likely scale).
    pub fn gradient(&self) -> Matrix {
        let inverse = self.factor.inverse();
        Matrix::symmetric(self.weights.len(), |i, j| {
            0.5 * (self.weights[i] * self.weights[j] / self.scale - inverse.row(i)[j])
        })
    }

    /// For each datum the absolute difference between its target and what the process of all others says (equation 5.12, with the mean
    /// and the scale of all).
    pub fn left_out(&self) -> Vec<f64> {
        let mut unit = vec![0.0; self.weights.len()];
        let error = |(i, weight): (usize, &f64)| {
            unit[i] = 1.0;
            let column = self.factor.forward(&unit);
            unit[i] = 0.0;
            (weight / crate::linear::dot(&column, &column)).abs()
        };
        self.weights.iter().enumerate().map(error).collect()
    }

    /// How much a unit of kernel to each datum adds to the mean.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(a: f64, b: f64) -> f64 {
        (-0.5 * (a - b).powi(2)).exp()
    }

    #[test]
    fn interpolates_without_noise_and_knows_nothing_far_away() {
        let x = [0.0, 1.0, 2.5, 4.0];
        let y = [1.0, 3.0, -1.0, 2.0];
        let gram = Matrix::symmetric(4, |i, j| kernel(x[i], x[j]));
        let process = GaussianProcess::fit(&gram, &y, 1e-9).unwrap();
        for (at, y) in x.iter().zip(y) {
            let to_data: Vec<f64> = x.iter().map(|x| kernel(*x, *at)).collect();
            let prediction = process.predict(&to_data, 1.0);
            assert!((prediction.mean - y).abs() < 1e-6 && prediction.variance < 1e-6, "{prediction:?}");
        }
        let far = process.predict(&[0.0; 4], 1.0);
        assert!((far.mean - 1.25).abs() < 1e-9 && far.variance > 0.5, "{far:?}");
    }

    #[test]
    fn covariances_agree_with_predictions_and_the_gradient_with_differences() {
        let x = [0.0, 1.0, 2.5, 4.0];
        let y = [1.0, 3.0, -1.0, 2.0];
        let gram = |bump: f64| {
            Matrix::symmetric(4, |i, j| kernel(x[i], x[j]) + if (i, j) == (2, 1) { bump } else { 0.0 })
        };
        let fit = |bump: f64| GaussianProcess::fit(&gram(bump), &y, 0.1).unwrap();
        let process = fit(0.0);
        let at = [0.5, 3.0];
        let seen = at.map(|at| x.iter().map(|x| kernel(*x, at)).collect::<Vec<f64>>());
        let covariance = process.covariance(&seen, &Matrix::symmetric(2, |i, j| kernel(at[i], at[j])));
        for (i, seen) in seen.iter().enumerate() {
            assert!((covariance.row(i)[i] - process.predict(seen, 1.0).variance).abs() < 1e-12);
        }
        // Two targets known to be equal would have the covariance of either.
        let one = process.covariance(&[seen[0].clone(), seen[0].clone()], &Matrix::symmetric(2, |_, _| 1.0));
        assert!((one.row(0)[1] - covariance.row(0)[0]).abs() < 1e-12);
        let slope = (fit(1e-5).log_likelihood() - fit(-1e-5).log_likelihood()) / 2e-5;
        assert!((slope - 2.0 * process.gradient().row(2)[1]).abs() < 1e-6, "{slope}");
    }

    #[test]
    fn a_datum_left_out_is_off_by_what_the_process_of_the_others_says() {
        let x = [0.0, 0.6, 1.0, 2.5];
        // Without the first target the mean stays what it is.
        let y = [0.5, 1.0, -1.0, 1.5];
        let gram = |x: &[f64]| Matrix::symmetric(x.len(), |i, j| kernel(x[i], x[j]));
        let all = GaussianProcess::fit(&gram(&x), &y, 0.1).unwrap();
        let others = GaussianProcess::fit(&gram(&x[1..]), &y[1..], 0.1).unwrap();
        let to_data: Vec<f64> = x[1..].iter().map(|x| kernel(*x, 0.0)).collect();
        assert!((all.left_out()[0] - (others.mean(&to_data) - 0.5).abs()).abs() < 1e-12);
    }

    #[test]
    fn the_likelihood_is_that_of_a_normal_distribution() {
        // Two independent targets +1 and -1 with variance 1 each: s (1 + noise) = 1.
        let gram = Matrix::symmetric(2, |i, j| f64::from(u8::from(i == j)));
        let process = GaussianProcess::fit(&gram, &[1.0, -1.0], 0.25).unwrap();
        let expected = -std::f64::consts::TAU.ln() - 1.0;
        assert!((process.log_likelihood() - expected).abs() < 1e-12);
    }
}
