//! What is worth trying, given predictions.

use crate::Prediction;
use rand::{Rng, RngExt};

/// Expected improvement over `best` (Jones, Schonlau and Welch 1998, equation 15), for maximisation.
pub fn expected_improvement(prediction: Prediction, best: f64) -> f64 {
    let (gain, deviation) = (prediction.mean - best, prediction.variance.max(0.0).sqrt());
    if deviation < 1e-12 {
        return gain.max(0.0);
    }
    let z = gain / deviation;
    gain * cumulative(z) + deviation * density(z)
}

/// The chance that a value is above `best` (Kushner 1964); one half where it is certain to be equal.
pub fn probability_of_improvement(prediction: Prediction, best: f64) -> f64 {
    let gain = prediction.mean - best;
    let deviation = prediction.variance.max(0.0).sqrt();
    if gain == 0.0 { 0.5 } else { cumulative(gain / deviation) }
}

/// Independent Thompson sampling (White, Neiswanger and Savani 2021, section 4): a value drawn from each candidate's own prediction.
pub fn thompson(prediction: Prediction, rng: &mut impl Rng) -> f64 {
    prediction.mean + prediction.variance.max(0.0).sqrt() * normal(rng)
}

/// A standard normal number (Box and Muller 1958).
pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// The chance that a standard normal number is at most `z`.
pub(crate) fn cumulative(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn improvement_agrees_with_numerical_integration() {
        for (mean, variance, best) in [(0.0, 1.0f64, 0.5f64), (1.0, 0.25, 0.5), (-2.0, 4.0, 1.0)] {
            let step = 1e-3;
            let sum: f64 = (-10_000..10_000)
                .map(|i| f64::from(i) * step)
                .map(|z| (mean + variance.sqrt() * z - best).max(0.0) * density(z) * step)
                .sum();
            let exact = expected_improvement(Prediction { mean, variance }, best);
            assert!((exact - sum).abs() < 1e-5, "{exact} {sum}");
        }
        assert_eq!(expected_improvement(Prediction { mean: 2.0, variance: 0.0 }, 1.5), 0.5);
    }
}
