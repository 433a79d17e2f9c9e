//! How the learning rate moves.

/// Cosine annealing (Loshchilov and Hutter 2017, equation 5, one cycle) after a linear warm-up: the factor on the learning rate
/// at `step` of `steps`, of which the first `warmup` (a share) rise from near 0 to 1.
pub fn cosine(step: u64, steps: u64, warmup: f64) -> f64 {
    let at = (step as f64 + 0.5) / steps.max(1) as f64;
    if at < warmup {
        return at / warmup;
    }
    let along = (at - warmup) / (1.0 - warmup).max(f64::EPSILON);
    0.5 * (1.0 + (std::f64::consts::PI * along.min(1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_then_falls_to_nothing() {
        let rate: Vec<f64> = (0..1000).map(|s| cosine(s, 1000, 0.1)).collect();
        assert!(rate[0] < 0.01 && rate[999] < 1e-4);
        assert!((rate[100] - 1.0).abs() < 1e-3 && (rate[550] - 0.5).abs() < 1e-2);
        assert!(rate.windows(2).skip(100).all(|w| w[1] <= w[0]));
    }
}
