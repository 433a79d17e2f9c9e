//! Adaptive Parzen estimators of one gene.
//!
//! Bergstra, Bardenet, Bengio and Kégl: "Algorithms for Hyper-Parameter Optimization", NIPS 2011, section 4.2: a mixture of the
//! prior and of a Gaussian at each observation, whose standard deviation is the larger of the distances to its two neighbours;
//! for categories, counts to which the prior adds one each. The Gaussians are cut off at the ends of the range.
//!
//! All lengths are in cells ([`crate::cells`]), so a Gaussian is a row of a table.

use crate::Rng;
use crate::cells::{CELLS, cells};
use nasmyth_space::Scale;
use rand::RngExt;

/// `exp(-d^2 / 2 s^2)` for distances and standard deviations of up to [`CELLS`] cells, and its sums over `0..=d`. A standard
/// deviation of 0 is a point.
#[derive(Clone, Debug)]
pub(crate) struct Gaussians {
    heights: Vec<f32>,
    sums: Vec<f32>,
}

const ROW: usize = CELLS as usize + 1;

impl Gaussians {
    pub(crate) fn new() -> Self {
        let height = |s: usize, d: usize| match (s, d) {
            (_, 0) => 1.0,
            (0, _) => 0.0,
            _ => (-0.5 * (d as f64 / s as f64).powi(2)).exp() as f32,
        };
        let heights: Vec<f32> = (0..ROW * ROW).map(|i| height(i / ROW, i % ROW)).collect();
        let sums = heights.chunks(ROW).flat_map(|row| {
            row.iter().scan(0.0, |sum, h| {
                *sum += h;
                Some(*sum)
            })
        });
        Self { sums: sums.collect(), heights }
    }

    /// Heights at a distance of 0, 1, ... for a standard deviation of `s`.
    fn row(&self, s: usize) -> &[f32] {
        &self.heights[s * ROW..][..ROW]
    }

    /// Sum of the heights over the cells below `n` around `at`.
    fn mass(&self, s: usize, at: usize, n: usize) -> f32 {
        let sums = &self.sums[s * ROW..][..ROW];
        sums[at] + sums[n - 1 - at] - 1.0
    }
}

/// The estimate of one gene: a probability for each of its cells.
#[derive(Debug)]
pub(crate) enum Parzen<'g> {
    /// Counts, the prior included.
    Categories { counts: Vec<f32>, total: f32 },
    /// The prior, of weight 1, is uniform.
    Range { table: &'g Gaussians, cells: usize, kernels: Vec<Kernel>, total: f32 },
}

/// So many Gaussians of one standard deviation at one cell.
#[derive(Debug)]
pub(crate) struct Kernel {
    at: usize,
    deviation: usize,
    count: f32,
    /// Count, divided by the mass that is not cut off.
    scale: f32,
}

impl<'g> Parzen<'g> {
    /// From the number of observations in each cell.
    pub(crate) fn new(table: &'g Gaussians, scale: Scale, counts: &[u32]) -> Self {
        let total: u32 = counts.iter().sum();
        if let Scale::Unordered(values) = scale {
            let counts = counts.iter().map(|&n| n as f32 + 1.0).collect();
            return Self::Categories { counts, total: total as f32 + values as f32 };
        }
        let cells = cells(scale) as usize;
        // The clipping of the authors' implementation: at least the range divided by the observations, or by 100.
        let least = (cells as f32 / (total as f32 + 1.0).min(100.0)).round() as usize;
        let mut kernels: Vec<Kernel> = Vec::new();
        for (at, deviation, count) in deviations(counts) {
            let deviation = deviation.clamp(least, cells);
            match kernels.iter_mut().rev().take(2).find(|k| k.at == at && k.deviation == deviation) {
                Some(same) => same.count += count,
                None => kernels.push(Kernel { at, deviation, count, scale: 0.0 }),
            }
        }
        kernels.iter_mut().for_each(|k| k.scale = k.count / table.mass(k.deviation, k.at, cells));
        Self::Range { table, cells, kernels, total: total as f32 + 1.0 }
    }

    /// A cell, at random.
    pub(crate) fn sample(&self, rng: &mut Rng) -> u32 {
        match self {
            Self::Categories { counts, total } => {
                pick(counts.iter().copied(), rng.random::<f32>() * total) as u32
            }
            Self::Range { table, cells, kernels, total } => {
                let components = kernels.iter().map(|k| k.count).chain([1.0]);
                let Some(kernel) = kernels.get(pick(components, rng.random::<f32>() * total)) else {
                    return rng.random_range(0..*cells as u32);
                };
                let row = table.row(kernel.deviation);
                let mass = table.mass(kernel.deviation, kernel.at, *cells);
                let heights = (0..*cells).map(|cell| row[cell.abs_diff(kernel.at)]);
                pick(heights, rng.random::<f32>() * mass) as u32
            }
        }
    }

    /// The probability of each of these cells.
    pub(crate) fn probabilities(&self, of: &[u32]) -> Vec<f32> {
        match self {
            Self::Categories { counts, total } => of.iter().map(|&c| counts[c as usize] / total).collect(),
            Self::Range { table, cells, kernels, total } => {
                let mut sums = vec![1.0 / *cells as f32; of.len()];
                for kernel in kernels {
                    let row = table.row(kernel.deviation);
                    for (sum, &cell) in sums.iter_mut().zip(of) {
                        *sum += kernel.scale * row[kernel.at.abs_diff(cell as usize)];
                    }
                }
                sums.iter().map(|sum| sum / total).collect()
            }
        }
    }
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

/// The first whose running sum of weights exceeds `at`; the last one with weight if none does.
fn pick(weights: impl Iterator<Item = f32>, mut at: f32) -> usize {
    let mut last = 0;
    for (i, weight) in weights.enumerate() {
        if weight > 0.0 {
            last = i;
            if at < weight {
                return i;
            }
            at -= weight;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn all(parzen: &Parzen<'_>, cells: u32) -> Vec<f32> {
        parzen.probabilities(&(0..cells).collect::<Vec<_>>())
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
