//! The statistics of a comparison.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A well mixed number from two.
pub fn mixed(seed: u64, n: u64) -> u64 {
    xxh3_64_with_seed(&n.to_le_bytes(), seed)
}

/// A standard normal number from two (Box and Muller 1958).
pub fn normal(seed: u64, n: u64) -> f64 {
    let unit = |bits: u64| ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let (u, v) = (unit(mixed(seed, n)), unit(mixed(!seed, n)));
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Mean; NaN of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard error of the mean; 0 for fewer than two values.
pub fn standard_error(values: &[f64]) -> f64 {
    let (n, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    if n < 2.0 { 0.0 } else { (squares / (n - 1.0) / n).sqrt() }
}

/// Two-sided p-value of Wilcoxon's signed-rank test for pairs with these differences (Wilcoxon 1945): exact for up to 25 pairs
/// without ties, else the normal approximation with correction for ties and continuity. Differences of zero are dropped
/// (Wilcoxon's own rule); without any others, 1.
pub fn wilcoxon(differences: &[f64]) -> f64 {
    let mut sizes: Vec<(f64, bool)> =
        differences.iter().filter(|d| **d != 0.0).map(|d| (d.abs(), *d > 0.0)).collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n = sizes.len();
    if n == 0 {
        return 1.0;
    }
    let (mut positive, mut ties, mut at) = (0.0, 0.0, 0);
    while at < n {
        let equal = sizes[at..].iter().take_while(|s| s.0 == sizes[at].0).count();
        let rank = at as f64 + (equal as f64 + 1.0) / 2.0;
        positive += rank * sizes[at..at + equal].iter().filter(|s| s.1).count() as f64;
        ties += (equal * equal * equal - equal) as f64;
        at += equal;
    }
    let count = n as f64;
    let middle = count * (count + 1.0) / 4.0;
    if n <= 25 && ties == 0.0 {
        return exact(n, positive.min(2.0 * middle - positive) as usize);
    }
    let variance = count * (count + 1.0) * (2.0 * count + 1.0) / 24.0 - ties / 48.0;
    let z = ((positive - middle).abs() - 0.5).max(0.0) / variance.sqrt();
    libm::erfc(z / std::f64::consts::SQRT_2).min(1.0)
}

/// Twice the chance that the ranks of `n` pairs with random signs sum to `w` or less.
fn exact(n: usize, w: usize) -> f64 {
    let total = n * (n + 1) / 2;
    let mut ways = vec![0.0; total + 1];
    ways[0] = 1.0;
    for rank in 1..=n {
        for sum in (rank..=total).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    let below: f64 = ways[..=w].iter().sum();
    (2.0 * below / 2f64.powi(n as i32)).min(1.0)
}

/// Kendall's rank correlation with correction for ties, tau-b (Kendall 1945); 0 if all values of either are equal. For as many `a` as `b`.
pub fn kendall(a: &[f64], b: &[f64]) -> f64 {
    let (mut agreement, mut untied_a, mut untied_b) = (0.0, 0.0, 0.0);
    for (i, j) in (0..a.len()).flat_map(|i| (0..i).map(move |j| (i, j))) {
        let sign = |v: &[f64]| v[i].partial_cmp(&v[j]).map_or(0.0, |order| f64::from(order as i8));
        let (x, y) = (sign(a), sign(b));
        agreement += x * y;
        untied_a += x * x;
        untied_b += y * y;
    }
    let most = f64::sqrt(untied_a * untied_b);
    if most > 0.0 { agreement / most } else { 0.0 }
}

/// Holm's correction of p-values (Holm 1979), in the order given.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let (mut corrected, mut largest) = (vec![1.0; p.len()], 0f64);
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max((p.len() - rank) as f64 * p[i]).min(1.0);
        corrected[i] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `scipy.stats.wilcoxon` 1.16.
    #[test]
    fn wilcoxon_agrees_with_the_tables() {
        // All of six differences positive: 2 of 2^6 sign patterns are as extreme.
        assert!((wilcoxon(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) - 2.0 / 64.0).abs() < 1e-12);
        // W = 5 of n = 8 without ties: 2 * 10 / 256.
        let differences = [-1.0, 2.0, 3.0, -4.0, 5.0, 6.0, 7.0, 8.0];
        assert!((wilcoxon(&differences) - 20.0 / 256.0).abs() < 1e-12, "{}", wilcoxon(&differences));
        assert_eq!(wilcoxon(&[0.0, 0.0]), 1.0);
    }

    /// Worked out by hand.
    #[test]
    fn kendall_counts_pairs_and_leaves_ties_out() {
        assert_eq!(kendall(&[1.0, 2.0, 3.0], &[2.0, 4.0, 9.0]), 1.0);
        assert_eq!(kendall(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), -1.0);
        assert_eq!(kendall(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
        // Of six pairs four agree, one disagrees, one is tied in `a`: 3 / sqrt(5 * 6).
        let tau = kendall(&[1.0, 2.0, 2.0, 3.0], &[2.0, 1.0, 3.0, 4.0]);
        assert!((tau - 3.0 / 30f64.sqrt()).abs() < 1e-12, "{tau}");
    }

    #[test]
    fn holm_multiplies_and_stays_monotone() {
        assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
        assert_eq!(holm(&[0.9, 0.6]), [1.0, 1.0]);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let numbers: Vec<f64> = (0..20_000).map(|i| normal(3, i)).collect();
        let m = mean(&numbers);
        let variance = numbers.iter().map(|v| (v - m).powi(2)).sum::<f64>() / 20_000.0;
        assert!(m.abs() < 0.03 && (variance - 1.0).abs() < 0.04, "{m} {variance}");
    }
}
