//! How papers round channels.

/// The multiple of `divisor` nearest to `value` (halves up), at least `divisor`, and not below `limit` times `value`
/// (Sandler et al. 2018's code: limit 0.9).
pub fn make_divisible(value: f64, divisor: usize, limit: f64) -> usize {
    let rounded = ((value + divisor as f64 / 2.0) / divisor as f64).floor() as usize * divisor;
    let rounded = rounded.max(divisor);
    if (rounded as f64) < limit * value { rounded + divisor } else { rounded }
}

/// The nearest whole number, the even one of two that are equally near (Python's `round`).
pub fn round_half_even(value: f64) -> usize {
    value.round_ties_even() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_round_to_the_nearest_multiple_but_lose_no_tenth() {
        assert_eq!(make_divisible(11.0, 8, 0.9), 16); // 8 would lose more than a tenth
        assert_eq!(make_divisible(11.0, 8, 0.0), 8);
        assert_eq!(make_divisible(12.0, 8, 0.0), 16);
        assert_eq!(make_divisible(2.0, 8, 0.9), 8);
        assert_eq!([0.5, 1.5, 2.5, 2.6].map(round_half_even), [0, 2, 2, 3]);
    }
}
