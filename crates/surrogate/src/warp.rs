//! Targets that a Gaussian model can read.

/// Half-rank warping (Song et al. 2024, "The Vizier Gaussian Process Bandit Algorithm", section 3.2): values above the median stay, those
/// below are put where the lower half of a normal distribution around the median would have them by rank, with the spread of the
/// upper half. So a few networks that fail to learn do not hide the differences among good ones. Order is kept.
pub fn half_rank(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let n = values.len();
    let Some(median) = order.get(n / 2).map(|&i| values[i]) else { return Vec::new() };
    let above: Vec<f64> = values.iter().filter(|v| **v >= median).map(|v| (v - median).powi(2)).collect();
    let spread = (above.iter().sum::<f64>() / above.len() as f64).sqrt();
    let mut warped = values.to_vec();
    let mut rank = 0;
    for at in 0..n {
        // Equal values stay equal: they share the rank of the first of them.
        if at == 0 || values[order[at]] > values[order[at - 1]] {
            rank = at;
        }
        if values[order[at]] < median {
            let below = (rank as f64 + 0.5) / n as f64;
            warped[order[at]] = median + spread * quantile(below).min(0.0);
        }
    }
    warped
}

/// Normal quantile of `0 < p < 1`, by bisection.
fn quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if crate::acquisition::cumulative(middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_below_come_close_and_the_order_stays() {
        let values = [90.0, 10.0, 91.0, 10.0, 92.0, 80.0, 93.0];
        let warped = half_rank(&values);
        assert_eq!([warped[0], warped[2], warped[4], warped[6]], [90.0, 91.0, 92.0, 93.0]);
        assert!(
            warped[5] < 90.0 && warped[1] < warped[5] && warped[1] == warped[3] && warped[1] > 85.0,
            "{warped:?}"
        );
        assert_eq!(half_rank(&[2.0, 2.0]), [2.0, 2.0]);
        assert!(half_rank(&[]).is_empty());
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        assert!((quantile(0.975) - 1.959964).abs() < 1e-6 && quantile(0.5).abs() < 1e-9);
    }
}
