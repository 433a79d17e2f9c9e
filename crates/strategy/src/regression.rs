//! Ridge regression.

use nasmyth_surrogate::{Cholesky, Matrix, dot};

/// A linear function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Linear {
    weights: Vec<f64>,
    bias: f64,
}

impl Linear {
    /// One for each input.
    pub(crate) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Its value.
    pub(crate) fn at(&self, x: &[f32]) -> f64 {
        self.bias + self.weights.iter().zip(x).map(|(w, x)| w * f64::from(*x)).sum::<f64>()
    }

    /// Minimises the squared error plus `penalty` times the squared weights; the bias costs nothing (Hoerl and Kennard 1970). Works in
    /// the dimension of the inputs or of the samples, whichever is smaller. Nothing without samples.
    pub(crate) fn fit(samples: &[(&[f32], f64)], penalty: f64) -> Option<Self> {
        let n = samples.len();
        let width = samples.first()?.0.len();
        let mean = |of: &dyn Fn(usize) -> f64| (0..n).map(of).sum::<f64>() / n as f64;
        let middle: Vec<f64> = (0..width).map(|j| mean(&|i| samples[i].0[j].into())).collect();
        let target = mean(&|i| samples[i].1);
        let rows: Vec<Vec<f64>> = samples
            .iter()
            .map(|(x, _)| x.iter().zip(&middle).map(|(x, m)| f64::from(*x) - m).collect())
            .collect();
        let y: Vec<f64> = samples.iter().map(|(_, y)| y - target).collect();
        let columns: Vec<Vec<f64>> = (0..width).map(|j| rows.iter().map(|row| row[j]).collect()).collect();
        let weights = if width <= n {
            let right: Vec<f64> = columns.iter().map(|column| dot(column, &y)).collect();
            solve(&columns, penalty, &right)?
        } else {
            let dual = solve(&rows, penalty, &y)?;
            columns.iter().map(|column| dot(column, &dual)).collect()
        };
        Some(Self { bias: target - dot(&weights, &middle), weights })
    }
}

/// Solves for the weights of vectors whose scalar products are those of these, with `penalty` added to the diagonal.
fn solve(vectors: &[Vec<f64>], penalty: f64, right: &[f64]) -> Option<Vec<f64>> {
    let gram = Matrix::symmetric(vectors.len(), |i, j| dot(&vectors[i], &vectors[j]));
    Some(Cholesky::new(&gram, penalty)?.solve(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of `3 x0 - 2 x2 + 5` at scattered points of four dimensions.
    fn samples(n: usize) -> Vec<(Vec<f32>, f64)> {
        let x = |i: usize| (0..4).map(|j| ((i * 7 + j * j * 3 + i * j) % 11) as f32).collect::<Vec<_>>();
        (0..n).map(|i| (x(i), f64::from(3.0 * x(i)[0] - 2.0 * x(i)[2]) + 5.0)).collect()
    }

    fn fit(samples: &[(Vec<f32>, f64)], penalty: f64) -> Linear {
        Linear::fit(&samples.iter().map(|(x, y)| (x.as_slice(), *y)).collect::<Vec<_>>(), penalty).unwrap()
    }

    #[test]
    fn a_linear_function_is_found() {
        let linear = fit(&samples(30), 1e-9);
        for (x, y) in samples(40) {
            assert!((linear.at(&x) - y).abs() < 1e-6, "{} at {x:?}, not {y}", linear.at(&x));
        }
    }

    #[test]
    fn both_dimensions_give_the_same() {
        // Columns of zeros make the inputs wider than there are samples and change nothing.
        let narrow = samples(6);
        let wide: Vec<_> = narrow.iter().map(|(x, y)| ([x.as_slice(), &[0.0; 8]].concat(), *y)).collect();
        let (a, b) = (fit(&narrow, 0.7), fit(&wide, 0.7));
        for (narrow, wide) in narrow.iter().zip(&wide) {
            assert!((a.at(&narrow.0) - b.at(&wide.0)).abs() < 1e-9);
        }
    }

    #[test]
    fn one_dimension_by_hand() {
        // Centred: x = -1, 0, 1 and y = -1, 0, 1; weight 2 / (2 + 2).
        let linear = fit(&[(vec![0.0], 4.0), (vec![1.0], 5.0), (vec![2.0], 6.0)], 2.0);
        assert_eq!((linear.at(&[1.0]), linear.at(&[3.0])), (5.0, 6.0));
    }
}
