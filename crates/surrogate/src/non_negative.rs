//! Least squares with non-negative coefficients.

use crate::linear::dot;
use crate::{Cholesky, Matrix};

/// Added to the diagonal of the scaled system, so that columns which the rows cannot tell apart share their coefficient.
const RIDGE: f64 = 1e-9;
/// A slope that counts as zero, relative to the largest one at the beginning.
const FLAT: f64 = 1e-9;

/// The `x >= 0` that makes `sum over rows of (row . x - target)^2` smallest (Lawson and Hanson 1974, algorithm NNLS, on the normal
/// equations). Columns may have any scale; a column of zeros has coefficient zero.
pub fn non_negative_least_squares(rows: &[Vec<f64>], targets: &[f64]) -> Vec<f64> {
    let Some(width) = rows.first().map(Vec::len) else { return Vec::new() };
    let columns: Vec<Vec<f64>> = (0..width).map(|j| rows.iter().map(|row| row[j]).collect()).collect();
    let scale: Vec<f64> = columns.iter().map(|c| dot(c, c).sqrt().max(f64::MIN_POSITIVE)).collect();
    let gram = Matrix::symmetric(width, |i, j| dot(&columns[i], &columns[j]) / scale[i] / scale[j]);
    let pull: Vec<f64> = columns.iter().zip(&scale).map(|(c, s)| dot(c, targets) / s).collect();
    let flat = FLAT * pull.iter().copied().fold(0.0, f64::max);
    let mut x = vec![0.0; width];
    let mut free: Vec<usize> = Vec::new();
    // Each round makes one coefficient free; the error falls, so no set of free ones comes twice but by rounding.
    for _ in 0..3 * width {
        let slope = |j: usize| pull[j] - dot(gram.row(j), &x);
        let steepest = (0..width).filter(|j| !free.contains(j)).map(|j| (j, slope(j)));
        let Some((j, _)) = steepest.filter(|s| s.1 > flat).max_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        free.push(j);
        while let Some(best) = unbounded(&gram, &pull, &free) {
            // As far towards the unbounded solution as all coefficients stay non-negative.
            let part = |(&j, z): (&usize, &f64)| {
                if *z > 0.0 { 1.0 } else { x[j] / (x[j] - z).max(f64::MIN_POSITIVE) }
            };
            let step = free.iter().zip(&best).map(part).fold(1.0, f64::min);
            free.iter().zip(&best).for_each(|(&j, z)| x[j] += step * (z - x[j]));
            if step == 1.0 {
                break;
            }
            let negative = |j: usize, z: f64| z <= 0.0 && x[j] <= 1e-14;
            let bound: Vec<usize> =
                free.iter().zip(&best).filter(|&(&j, &z)| negative(j, z)).map(|(&j, _)| j).collect();
            free.retain(|j| !bound.contains(j));
            bound.iter().for_each(|&j| x[j] = 0.0);
            if bound.is_empty() {
                break;
            }
        }
    }
    x.iter().zip(&scale).map(|(x, s)| if *x > 0.0 { x / s } else { 0.0 }).collect()
}

/// The solution over the free coefficients alone.
fn unbounded(gram: &Matrix, pull: &[f64], free: &[usize]) -> Option<Vec<f64>> {
    let part = Matrix::symmetric(free.len(), |i, j| gram.row(free[i])[free[j]]);
    let pull: Vec<f64> = free.iter().map(|&j| pull[j]).collect();
    Some(Cholesky::new(&part, RIDGE)?.solve(&pull))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_coefficients_of_any_size_and_never_a_negative_one() {
        let rows: Vec<Vec<f64>> =
            (0..12u32).map(|i| vec![1e9 * f64::from(i % 5 + 1), f64::from(i * i % 7), 0.0, 1.0]).collect();
        let targets: Vec<f64> = rows.iter().map(|r| 2e-9 * r[0] + 3.0 * r[1] + 0.5).collect();
        let x = non_negative_least_squares(&rows, &targets);
        for (got, expected) in x.iter().zip([2e-9, 3.0, 0.0, 0.5]) {
            assert!((got - expected).abs() <= 1e-4 * expected, "{x:?}");
        }
        // Unbounded, the second coefficient would be -1; at 0 the first is the mean.
        let x = non_negative_least_squares(&[vec![1.0, 0.0], vec![1.0, 1.0]], &[2.0, 1.0]);
        assert!((x[0] - 1.5).abs() < 1e-4 && x[1] == 0.0, "{x:?}");
        assert!(non_negative_least_squares(&[], &[]).is_empty());
    }
}
