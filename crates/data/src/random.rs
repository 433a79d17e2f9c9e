//! Seeded randomness that gives the same numbers on every platform.

use rand::{Rng as _, SeedableRng};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The generator used for splits, batches, augmentation and generated data.
pub type Rng = rand_xoshiro::Xoshiro256PlusPlus;

/// A generator that depends only on the seed, the purpose and a counter.
pub(crate) fn derive(seed: u64, purpose: &str, counter: u64) -> Rng {
    let mixed = xxh3_64_with_seed(&counter.to_le_bytes(), xxh3_64_with_seed(purpose.as_bytes(), seed));
    Rng::seed_from_u64(mixed)
}

/// Uniform in [0, 1), with 53 random bits.
pub(crate) fn uniform(rng: &mut Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Uniform in 0..bound without bias (Lemire 2019, "Fast random integer generation in an interval"); 0 for bound 0.
pub(crate) fn below(rng: &mut Rng, bound: u64) -> u64 {
    let threshold = if bound == 0 { 0 } else { bound.wrapping_neg() % bound };
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if product as u64 >= threshold {
            return (product >> 64) as u64;
        }
    }
}

/// Fisher-Yates shuffle.
pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last as u64 + 1) as usize);
    }
}

/// Standard normal (Box and Muller 1958).
pub(crate) fn normal(rng: &mut Rng) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - uniform(rng)));
    radius * libm::cos(2.0 * std::f64::consts::PI * uniform(rng))
}

/// Gamma(shape, 1), shape > 0 (Marsaglia and Tsang 2000, "A simple method for generating gamma variables").
fn gamma(rng: &mut Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        return gamma(rng, shape + 1.0) * libm::pow(1.0 - uniform(rng), 1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let x = normal(rng);
        let v = libm::pow(1.0 + c * x, 3.0);
        if v > 0.0 && libm::log(1.0 - uniform(rng)) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v;
        }
    }
}

/// Beta(alpha, alpha), alpha > 0; 0.5 when both gammas underflow.
pub(crate) fn beta(rng: &mut Rng, alpha: f64) -> f64 {
    let (a, b) = (gamma(rng, alpha), gamma(rng, alpha));
    if a + b > 0.0 { a / (a + b) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_other_counters_do_not() {
        assert_eq!(derive(1, "a", 2).next_u64(), derive(1, "a", 2).next_u64());
        assert_ne!(derive(1, "a", 2).next_u64(), derive(1, "a", 3).next_u64());
        assert_ne!(derive(1, "a", 2).next_u64(), derive(1, "b", 2).next_u64());
    }

    #[test]
    fn normal_and_beta_have_the_right_moments() {
        let mut rng = derive(0, "test", 0);
        let (mean, variance) = moments(&(0..20_000).map(|_| normal(&mut rng)).collect::<Vec<_>>());
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        let (mean, variance) = moments(&(0..20_000).map(|_| beta(&mut rng, 0.2)).collect::<Vec<_>>());
        assert!((mean - 0.5).abs() < 0.02 && (variance - 0.25 / 1.4).abs() < 0.01, "{mean} {variance}");
    }

    #[test]
    fn a_shuffle_is_a_permutation() {
        let mut items: Vec<u32> = (0..100).collect();
        shuffle(&mut items, &mut derive(5, "test", 1));
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
