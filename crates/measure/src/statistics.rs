//! Medians of readings, and how sure they are.

use crate::noise::block_medians;

/// The middle value of `sorted`, or the mean of the two in the middle. NaN of nothing.
pub fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

/// The smallest of the `sorted` values that at least `share` of them do not exceed. NaN of nothing.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// Two values that enclose the median with 95 % confidence, of at least six readings `series` in the order of time (all of them
/// when there are fewer).
///
/// Order statistics: of independent readings from any distribution, the number below the median is binomial (n, 1/2). Readings
/// one after the other are not independent; so the interval is widened to the one that the medians of blocks give, which
/// nearly are.
pub fn interval(series: &[f64]) -> (f64, f64) {
    let (low, high) = enclosed(series);
    let blocks = block_medians(series);
    if blocks.len() < 6 {
        return (low, high);
    }
    let (least, most) = enclosed(&blocks);
    (low.min(least), high.max(most))
}

fn enclosed(values: &[f64]) -> (f64, f64) {
    let sorted = sorted(values);
    let rank = lower_rank(sorted.len());
    match sorted.len() {
        0 => (f64::NAN, f64::NAN),
        n => (sorted[rank], sorted[n - 1 - rank]),
    }
}

pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The largest `l` such that more than `l` of `n` fair coins show heads with probability 97.5 % or more; 0 if none does.
fn lower_rank(n: usize) -> usize {
    const TAIL: f64 = 0.025;
    if n > 1000 {
        return ((n as f64 - 1.96 * (n as f64).sqrt()) / 2.0).floor() as usize - 1;
    }
    let (mut mass, mut below) = (0.5f64.powi(n as i32), 0.0);
    for l in 0..n {
        below += mass;
        if below > TAIL {
            return l.saturating_sub(1);
        }
        mass *= (n - l) as f64 / (l + 1) as f64;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn medians_and_quantiles() {
        assert_eq!(median(&[1.0, 2.0, 10.0]), 2.0);
        assert_eq!(median(&[1.0, 2.0, 4.0, 10.0]), 3.0);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((quantile(&hundred, 0.99), quantile(&hundred[..3], 0.99)), (99.0, 3.0));
        assert!(median(&[]).is_nan() && quantile(&[], 0.5).is_nan());
    }

    /// P(B <= l) of binomial (n, 1/2) by hand: n = 6: 1/64 at 0, 7/64 at 1. n = 10: 11/1024 at 1, 56/1024 at 2. n = 15:
    /// 576/32768 = 0.0176 at 3, 1941/32768 = 0.059 at 4. For n = 100 tables have the 40th and the 61st value.
    #[test]
    fn ranks_against_the_binomial_distribution() {
        for (n, rank) in [(1, 0), (5, 0), (6, 0), (10, 1), (15, 3), (100, 39), (1000, 468)] {
            assert_eq!(lower_rank(n), rank, "{n}");
        }
        assert_eq!(lower_rank(1001), 468); // the approximation goes on where the sum ends
        let hundred: Vec<f64> = (1..=100).map(|i| f64::from(i * 37 % 101)).collect();
        assert_eq!(enclosed(&hundred), (40.0, 61.0));
    }

    /// Share of 400 series of 200 readings whose interval holds the true median. A reading keeps `memory` of the one before it.
    fn coverage(memory: f64, interval: impl Fn(&[f64]) -> (f64, f64)) -> f64 {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        let holds = |_: &usize| {
            let mut state = 0.0;
            let series: Vec<f64> = (0..300)
                .map(|_| {
                    state = memory * state + rng.random::<f64>() - 0.5;
                    state
                })
                .collect();
            let (low, high) = interval(&series[100..]);
            low <= 0.0 && 0.0 <= high
        };
        (0..400).filter(holds).count() as f64 / 400.0
    }

    #[test]
    fn the_interval_covers_the_median_also_of_readings_that_depend_on_each_other() {
        assert!(coverage(0.0, interval) >= 0.94, "{}", coverage(0.0, interval));
        assert!(coverage(0.0, enclosed) <= 0.98, "{}", coverage(0.0, enclosed));
        // With a memory of about ten readings, order statistics alone are far off.
        assert!(coverage(0.8, enclosed) < 0.75, "{}", coverage(0.8, enclosed));
        assert!(coverage(0.8, interval) >= 0.93, "{}", coverage(0.8, interval));
    }
}
