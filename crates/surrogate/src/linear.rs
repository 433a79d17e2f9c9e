//! Dense symmetric systems of a few hundred unknowns.

/// A square matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    size: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// The symmetric matrix with this entry at row `i` and column `j <= i`.
    pub fn symmetric(size: usize, mut entry: impl FnMut(usize, usize) -> f64) -> Self {
        let mut values = vec![0.0; size * size];
        for i in 0..size {
            for j in 0..=i {
                let value = entry(i, j);
                (values[i * size + j], values[j * size + i]) = (value, value);
            }
        }
        Self { size, values }
    }

    /// Number of rows.
    pub fn size(&self) -> usize {
        self.size
    }

    /// One row.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.size..][..self.size]
    }
}

/// `L` with `L L^T = A + ridge I`.
#[derive(Clone, Debug)]
pub struct Cholesky {
    factor: Matrix,
}

impl Cholesky {
    /// Factorises; `None` if `A + ridge I` is not positive definite.
    pub fn new(a: &Matrix, ridge: f64) -> Option<Self> {
        let n = a.size;
        let mut l = vec![0.0; n * n];
        for i in 0..n {
            let (above, row) = l.split_at_mut(i * n);
            for j in 0..i {
                let other = &above[j * n..][..=j];
                row[j] = (a.row(i)[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let square = a.row(i)[i] + ridge - dot(&row[..i], &row[..i]);
            if square.is_nan() || square <= 0.0 {
                return None;
            }
            row[i] = square.sqrt();
        }
        Some(Self { factor: Matrix { size: n, values: l } })
    }

    /// `L^-1 b`.
    pub fn forward(&self, b: &[f64]) -> Vec<f64> {
        let mut x: Vec<f64> = Vec::with_capacity(b.len());
        for (i, b) in b.iter().enumerate() {
            let row = self.factor.row(i);
            let value = (b - dot(&row[..i], &x)) / row[i];
            x.push(value);
        }
        x
    }

    /// `(A + ridge I)^-1 b`.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = self.forward(b);
        for i in (0..x.len()).rev() {
            let row = self.factor.row(i);
            x[i] /= row[i];
            let value = x[i];
            x[..i].iter_mut().zip(row).for_each(|(x, l)| *x -= l * value);
        }
        x
    }

    /// Logarithm of the determinant of `A + ridge I`.
    pub fn log_determinant(&self) -> f64 {
        (0..self.factor.size).map(|i| 2.0 * self.factor.row(i)[i].ln()).sum()
    }
}

/// Sum of products, in eight interleaved sums that a processor adds at once.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    let mut sums = [0.0; 8];
    for (a, b) in a_chunks.zip(b_chunks) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    rest + sums.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_what_it_factorised() {
        let n = 19;
        let a = Matrix::symmetric(n, |i, j| 1.0 / (1.0 + i as f64 + j as f64));
        let b: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        let cholesky = Cholesky::new(&a, 0.1).unwrap();
        let x = cholesky.solve(&b);
        for i in 0..n {
            assert!((dot(a.row(i), &x) + 0.1 * x[i] - b[i]).abs() < 1e-10, "row {i}");
        }
        assert!(Cholesky::new(&a, -3.0).is_none());
    }

    #[test]
    fn the_determinant_is_that_of_a_hand_computed_matrix() {
        let a = Matrix::symmetric(2, |i, j| if i == j { 3.0 } else { 1.0 });
        let cholesky = Cholesky::new(&a, 0.5).unwrap();
        assert!((cholesky.log_determinant() - (3.5f64 * 3.5 - 1.0).ln()).abs() < 1e-12);
    }
}
