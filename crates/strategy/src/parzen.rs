//! Adaptive Parzen estimators of one gene.
//!
//! Bergstra, Bardenet, Bengio and Kégl: "Algorithms for Hyper-Parameter Optimization", NIPS 2011, section 4.2: a mixture of the
//! prior and of a Gaussian at each observation, whose standard deviation is the larger of the distances to its two neighbours;
//! for categories, counts to which the prior adds one each. The Gaussians are cut off at the ends of the range.
//!
//! All lengths are in cells ([`crate::cells`]), so a Gaussian is a row of a table.

use crate::Rng;
use crate::cells::CELLS;
use nasmyth_space::Scale;
use rand::RngExt;

/// Gaussians for all whole standard deviations of up to [`CELLS`] cells, over the distances from `-CELLS` to `CELLS`.
#[derive(Clone, Debug)]
pub(crate) struct Gaussians {
    heights: Vec<f32>,
    /// Sums of the heights up to and including each distance.
    sums: Vec<f32>,
}

/// Place of the distance 0 in a row.
const MIDDLE: usize = CELLS as usize;
const ROW: usize = 2 * MIDDLE + 1;
/// Heights farther away than so many standard deviations are 0.
const REACH: usize = 6;

impl Gaussians {
    pub(crate) fn new() -> Self {
        let height = |s: usize, d: usize| match d {
            0 => 1.0,
            d if d > REACH * s => 0.0,
            d => (-0.5 * (d as f64 / s as f64).powi(2)).exp() as f32,
        };
        let rows = 0..=CELLS as usize;
        let heights = rows.flat_map(|s| (0..ROW).map(move |i| height(s, i.abs_diff(MIDDLE))));
        let heights: Vec<f32> = heights.collect();
        let sums = heights.chunks(ROW).flat_map(|row| {
            row.iter().scan(0.0, |sum, h| {
                *sum += h;
                Some(*sum)
            })
        });
        Self { sums: sums.collect(), heights }
    }

    /// Adds `count` Gaussians around `at` with standard deviation `s` (0: a point), cut off at the ends of the range.
    fn add(&self, s: usize, at: usize, count: f32, to: &mut [f32]) {
        let (row, sums) = (&self.heights[s * ROW..][..ROW], &self.sums[s * ROW..][..ROW]);
        let scale = count / (sums[MIDDLE - at + to.len() - 1] - sums[MIDDLE - at] + row[MIDDLE - at]);
        let near = at.saturating_sub(REACH * s)..(at + REACH * s + 1).min(to.len());
        let heights = &row[MIDDLE + near.start - at..];
        to[near].iter_mut().zip(heights).for_each(|(sum, height)| *sum += scale * height);
    }
}

/// The estimate of one gene: for each of its cells a weight, the sum of which is known.
#[derive(Debug)]
pub(crate) struct Parzen {
    weights: Vec<f32>,
    /// Sums of the weights up to and including each cell.
    sums: Vec<f32>,
    total: f32,
}

impl Parzen {
    /// From the number of observations in each cell.
    pub(crate) fn new(table: &Gaussians, scale: Scale, counts: &[u32]) -> Self {
        let observations = counts.iter().sum::<u32>() as f32;
        let (weights, prior): (Vec<f32>, f32) = match scale {
            Scale::Unordered(values) => (counts.iter().map(|&n| n as f32 + 1.0).collect(), values as f32),
            Scale::Ordered(_) | Scale::Real { .. } => (mixture(table, counts, observations), 1.0),
        };
        let sums = weights.iter().scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self { sums: sums.collect(), total: observations + prior, weights }
    }

    /// A cell, at random.
    pub(crate) fn sample(&self, rng: &mut Rng) -> u32 {
        let at = rng.random::<f32>() * self.sums.last().copied().unwrap_or(0.0);
        self.sums.partition_point(|sum| *sum <= at).min(self.sums.len() - 1) as u32
    }

    /// The probability of a cell.
    pub(crate) fn probability(&self, cell: u32) -> f32 {
        self.weights[cell as usize] / self.total
    }
}

/// Weights of all cells: the uniform prior of weight 1, and a Gaussian for each observation.
fn mixture(table: &Gaussians, counts: &[u32], observations: f32) -> Vec<f32> {
    let cells = counts.len();
    let mut weights = vec![1.0 / cells as f32; cells];
    // The clipping of the authors' implementation: at least the range divided by the observations, or by 100.
    let least = (cells as f32 / (observations + 1.0).min(100.0)).round() as usize;
    for (at, deviation, count) in deviations(counts) {
        table.add(deviation.clamp(least, cells), at, count, &mut weights);
    }
    weights
}

/// Cell, standard deviation and number of the kernels. Of several observations in a cell the first has its left neighbour at a distance,
/// the last its right one, and those between have both in the same cell.
fn deviations(counts: &[u32]) -> Vec<(usize, usize, f32)> {
    let occupied: Vec<(usize, u32)> =
        counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(at, &n)| (at, n)).collect();
    let gap = |a: Option<&(usize, u32)>, at: usize| a.map_or(0, |(other, _)| other.abs_diff(at));
    let kernels = (0..occupied.len()).flat_map(|i| {
        let (at, n) = occupied[i];
        let left = i.checked_sub(1).map_or(0, |j| gap(occupied.get(j), at));
        let right = gap(occupied.get(i + 1), at);
        match n {
            1 => [(at, left.max(right), 1.0), (at, 0, 0.0), (at, 0, 0.0)],
            _ => [(at, left, 1.0), (at, right, 1.0), (at, 0, n as f32 - 2.0)],
        }
    });
    kernels.filter(|(_, _, count)| *count > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn all(parzen: &Parzen, cells: u32) -> Vec<f32> {
        (0..cells).map(|cell| parzen.probability(cell)).collect()
    }

    #[test]
    fn categories_are_counts_with_one_more_each() {
        let table = Gaussians::new();
        let parzen = Parzen::new(&table, Scale::Unordered(4), &[0, 5, 1, 0]);
        assert_eq!(all(&parzen, 4), [0.1, 0.6, 0.2, 0.1]);
    }

    #[test]
    fn kernels_reach_to_their_farther_neighbour() {
        let kernels = deviations(&[1, 0, 0, 4, 0, 0, 0, 0, 1, 1]);
        let expected = [(0, 3, 1.0), (3, 3, 1.0), (3, 5, 1.0), (3, 0, 2.0), (8, 5, 1.0), (9, 1, 1.0)];
        assert_eq!(kernels, expected);
    }

    #[test]
    fn a_range_is_the_mixture_that_the_paper_defines() {
        let table = Gaussians::new();
        let parzen = Parzen::new(&table, Scale::Ordered(10), &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        let probabilities = all(&parzen, 10);
        let gauss = |at: f64, cell: f64| (-0.5 * ((cell - at) / 3.0).powi(2)).exp();
        let normed = |at: f64, cell: f64| gauss(at, cell) / (0..10).map(|c| gauss(at, c.into())).sum::<f64>();
        for (cell, got) in probabilities.iter().enumerate() {
            let expected = (0.1 + normed(0.0, cell as f64) + normed(3.0, cell as f64)) / 3.0;
            assert!((f64::from(*got) - expected).abs() < 1e-6, "cell {cell}: {got}, not {expected}");
        }
    }

    #[test]
    fn samples_follow_the_probabilities() {
        let table = Gaussians::new();
        let mut counts = vec![0; CELLS as usize];
        (counts[3], counts[40], counts[41], counts[127]) = (3, 1, 6, 2);
        for scale in [Scale::Ordered(500), Scale::Unordered(CELLS)] {
            let parzen = Parzen::new(&table, scale, &counts);
            let mut drawn = vec![0.0; CELLS as usize];
            let mut rng = Rng::seed_from_u64(3);
            (0..100_000).for_each(|_| drawn[parzen.sample(&mut rng) as usize] += 1e-5);
            let probabilities = all(&parzen, CELLS);
            assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-4);
            let apart: f32 = drawn.iter().zip(&probabilities).map(|(a, b)| (a - b).abs()).sum();
            assert!(apart < 0.04, "{apart}");
        }
    }
}
