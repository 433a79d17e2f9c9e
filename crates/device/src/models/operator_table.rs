//! A table of operators from a few networks, starting from the tables of other devices: empirical Bayes.

use nasmyth_surrogate::{Cholesky, Matrix, non_negative_least_squares};

/// Relative error of a measurement that the prior is weighed against.
const NOISE: f64 = 0.03;
/// Added to the variances of the entries among the known devices, relative to their mean.
const SHRINKAGE: f64 = 0.1;

/// Seconds of each operator; a network, given as how often it has each (and 1 for its start), takes the sum.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorTable {
    seconds: Vec<f64>,
}

impl OperatorTable {
    /// The non-negative entries whose sums have the smallest relative errors.
    pub fn fit(counts: &[Vec<f64>], seconds: &[f64]) -> Self {
        Self {
            seconds: non_negative_least_squares(&relative(counts, seconds, 1.0), &vec![1.0; counts.len()]),
        }
    }

    /// The same for a new device: entries are normal around those of the known devices, each of these scaled to take 1 for a network of
    /// mean counts, with their covariance. `None` with fewer than two known devices, or without networks.
    pub fn near(known: &[Self], mean: &[f64], counts: &[Vec<f64>], seconds: &[f64]) -> Option<Self> {
        let scaled: Vec<Vec<f64>> = known.iter().map(|table| table.scaled(mean)).collect::<Option<_>>()?;
        let (n, width) = (scaled.len() as f64, mean.len());
        let centre: Vec<f64> = (0..width).map(|j| scaled.iter().map(|t| t[j]).sum::<f64>() / n).collect();
        let covariance = |i: usize, j: usize| {
            scaled.iter().map(|t| (t[i] - centre[i]) * (t[j] - centre[j])).sum::<f64>() / (n - 1.0)
        };
        let trace: f64 = (0..width).map(|j| covariance(j, j)).sum();
        let factor = Cholesky::new(&Matrix::symmetric(width, covariance), SHRINKAGE * trace / width as f64)?;
        let around = Self { seconds: centre.clone() };
        let mut ratios: Vec<f64> = counts.iter().zip(seconds).map(|(c, s)| s / around.sum(c)).collect();
        ratios.sort_by(f64::total_cmp);
        let level = *ratios.get(ratios.len() / 2)?;
        // The prior as more rows: the inverse of the factor whitens the difference from the centre.
        let unit = |j: usize| (0..width).map(|i| f64::from(u8::from(i == j))).collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = (0..width).map(|j| factor.forward(&unit(j))).collect();
        let mut rows = relative(counts, seconds, level);
        let mut targets = vec![1.0; rows.len()];
        for (i, white) in factor.forward(&centre).into_iter().enumerate() {
            rows.push(columns.iter().map(|column| NOISE * column[i]).collect());
            targets.push(NOISE * white);
        }
        let seconds = non_negative_least_squares(&rows, &targets).into_iter().map(|x| level * x).collect();
        Some(Self { seconds })
    }

    /// Seconds of a network.
    pub fn sum(&self, counts: &[f64]) -> f64 {
        counts.iter().zip(&self.seconds).map(|(count, seconds)| count * seconds).sum()
    }

    fn scaled(&self, mean: &[f64]) -> Option<Vec<f64>> {
        let level = self.sum(mean);
        (level > 0.0).then(|| self.seconds.iter().map(|s| s / level).collect())
    }
}

/// Rows divided by the times, so that errors are relative.
fn relative(counts: &[Vec<f64>], seconds: &[f64], level: f64) -> Vec<Vec<f64>> {
    counts.iter().zip(seconds).map(|(row, s)| row.iter().map(|c| level * c / s).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_tables_fill_in_what_two_networks_do_not_tell() {
        let table = |seconds: [f64; 3]| OperatorTable { seconds: seconds.to_vec() };
        let known = [table([1.0, 2.0, 0.5]), table([10.0, 19.0, 5.5]), table([0.1, 0.21, 0.04])];
        let truth = table([3.0, 6.1, 1.5]);
        let counts = [vec![1.0, 0.0, 1.0], vec![0.0, 2.0, 1.0]];
        let seconds = counts.each_ref().map(|c| truth.sum(c));
        let near = OperatorTable::near(&known, &[1.0, 1.0, 1.0], &counts, &seconds).unwrap();
        let test = [2.0, 1.0, 4.0];
        assert!((near.sum(&test) / truth.sum(&test) - 1.0).abs() < 0.05, "{near:?}");
        let alone = OperatorTable::fit(&counts, &seconds);
        assert!((alone.sum(&test) / truth.sum(&test) - 1.0).abs() > 0.05, "{alone:?}");
        assert_eq!(OperatorTable::near(&known, &[1.0; 3], &[], &[]), None);
        assert_eq!(OperatorTable::near(&known[..1], &[1.0; 3], &counts, &seconds), None);
    }
}
