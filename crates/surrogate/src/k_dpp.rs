//! Determinantal point processes of a fixed size: draws that are good and differ from each other.
//!
//! Kulesza and Taskar: "k-DPPs: Fixed-Size Determinantal Point Processes", ICML 2011: a set of `k` items has a chance proportional to the
//! determinant of their rows and columns of a positive semi-definite matrix.

use crate::{Matrix, dot};
use rand::{Rng, RngExt};

/// Eigenvalues below this share of the largest are rounding.
const TINY: f64 = 1e-12;

/// Draws `k` different items, ascending; as many as the rank of the matrix if that is less.
pub fn sample(matrix: &Matrix, k: usize, rng: &mut impl Rng) -> Vec<usize> {
    let (values, vectors) = matrix.eigen();
    let largest = values.iter().copied().fold(0.0, f64::max);
    let kept = values.iter().zip(&vectors).filter(|(value, _)| **value > TINY * largest);
    // The scale of the matrix does not matter, and polynomials of numbers up to 1 do not overflow.
    let (values, vectors): (Vec<f64>, Vec<&Vec<f64>>) = kept.map(|(value, v)| (value / largest, v)).unzip();
    let chosen = eigenvectors(&values, k.min(values.len()), rng);
    let mut items = project(&chosen.into_iter().map(|i| vectors[i]).collect::<Vec<_>>(), rng);
    items.sort_unstable();
    items
}

/// `k` eigenvectors, each set with a chance proportional to the product of its eigenvalues (algorithm 2).
fn eigenvectors(values: &[f64], k: usize, rng: &mut impl Rng) -> Vec<usize> {
    let polynomials = elementary(values, k);
    let (mut left, mut chosen) = (k, Vec::with_capacity(k));
    for n in (1..=values.len()).rev() {
        if left == 0 {
            break;
        }
        let share = values[n - 1] * polynomials[left - 1][n - 1] / polynomials[left][n];
        if n == left || rng.random::<f64>() < share {
            chosen.push(n - 1);
            left -= 1;
        }
    }
    chosen
}

/// Elementary symmetric polynomials: entry `[k][n]` is the sum over all sets of `k` of the first `n` values of their products
/// (algorithm 1).
fn elementary(values: &[f64], k: usize) -> Vec<Vec<f64>> {
    let mut sums = vec![vec![0.0; values.len() + 1]; k + 1];
    sums[0].fill(1.0);
    for l in 1..=k {
        for n in 1..=values.len() {
            sums[l][n] = sums[l][n - 1] + values[n - 1] * sums[l - 1][n - 1];
        }
    }
    sums
}

/// As many items as orthonormal vectors, by the projection onto their span: one after the other, each given those before.
fn project(vectors: &[&Vec<f64>], rng: &mut impl Rng) -> Vec<usize> {
    let n = vectors.first().map_or(0, |vector| vector.len());
    let rows: Vec<Vec<f64>> = (0..n).map(|i| vectors.iter().map(|vector| vector[i]).collect()).collect();
    let mut variances: Vec<f64> = rows.iter().map(|row| dot(row, row)).collect();
    // Rows of the Cholesky factor of the projection, one for each item so far.
    let mut factor: Vec<Vec<f64>> = Vec::new();
    let mut items = Vec::new();
    for _ in vectors {
        let item = drawn(&variances, rng);
        let deviation = variances[item].sqrt();
        let column = |j: usize| {
            let before: f64 = factor.iter().map(|row| row[item] * row[j]).sum();
            (dot(&rows[item], &rows[j]) - before) / deviation
        };
        let row: Vec<f64> = (0..n).map(column).collect();
        variances.iter_mut().zip(&row).for_each(|(variance, c)| *variance = (*variance - c * c).max(0.0));
        variances[item] = 0.0;
        factor.push(row);
        items.push(item);
    }
    items
}

/// An index, with a chance proportional to its weight.
fn drawn(weights: &[f64], rng: &mut impl Rng) -> usize {
    let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
    let found = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    let largest = || (0..weights.len()).max_by(|&a, &b| weights[a].total_cmp(&weights[b]));
    found.or_else(largest).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cholesky;
    use rand::SeedableRng;
    use std::collections::BTreeMap;

    /// A positive definite matrix in which items 0 and 1 are almost the same.
    fn matrix() -> Matrix {
        let x = [
            [1.0, 0.2, 0.0],
            [0.98, 0.25, 0.05],
            [0.1, 1.3, 0.3],
            [0.4, 0.5, -0.9],
            [0.6, -0.4, 0.5],
            [0.2, 0.1, 0.7],
        ];
        Matrix::symmetric(6, |i, j| dot(&x[i], &x[j]) + if i == j { 0.1 } else { 0.0 })
    }

    #[test]
    fn frequencies_are_the_determinants() {
        let matrix = matrix();
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(7);
        let subsets: Vec<Vec<usize>> = (0..64usize)
            .map(|bits| (0..6).filter(|i| bits >> i & 1 == 1).collect::<Vec<_>>())
            .filter(|items| items.len() == 3)
            .collect();
        let determinant = |items: &Vec<usize>| {
            let minor = Matrix::symmetric(3, |i, j| matrix.row(items[i])[items[j]]);
            Cholesky::new(&minor, 0.0).unwrap().log_determinant().exp()
        };
        let total: f64 = subsets.iter().map(determinant).sum();
        let draws = 40_000;
        let mut counts: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        (0..draws).for_each(|_| *counts.entry(sample(&matrix, 3, &mut rng)).or_default() += 1);
        assert_eq!(counts.values().sum::<usize>(), draws);
        // Chi-squared with 19 degrees of freedom exceeds 43.8 with a chance of 0.001.
        let statistic: f64 = subsets
            .iter()
            .map(|items| {
                let expected = draws as f64 * determinant(items) / total;
                (*counts.get(items).unwrap_or(&0) as f64 - expected).powi(2) / expected
            })
            .sum();
        assert!(statistic < 43.8, "{statistic}");
    }

    #[test]
    fn never_more_items_than_the_rank() {
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(8);
        // Items 0 and 1 are equal, 2 differs, 3 is impossible.
        let x = [[1.0, 0.0], [1.0, 0.0], [0.3, 2.0], [0.0, 0.0]];
        let matrix = Matrix::symmetric(4, |i, j| dot(&x[i], &x[j]));
        for _ in 0..50 {
            let items = sample(&matrix, 3, &mut rng);
            assert!(items == [0, 2] || items == [1, 2], "{items:?}");
        }
        assert!(sample(&Matrix::symmetric(0, |_, _| 0.0), 2, &mut rng).is_empty());
    }

    #[test]
    fn polynomials_by_hand() {
        let sums = elementary(&[2.0, 3.0, 5.0], 2);
        assert_eq!((sums[1][3], sums[2][3], sums[2][2]), (10.0, 31.0, 6.0));
    }
}
