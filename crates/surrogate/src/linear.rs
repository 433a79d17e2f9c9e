//! Dense symmetric systems of a few hundred unknowns.

/// Most sweeps of Jacobi's method; it converges quadratically, and ten are plenty.
const SWEEPS: usize = 30;

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

    /// Eigenvalues of a symmetric matrix, and a unit eigenvector for each: Jacobi's method, sweeps of rotations that make one pair of
    /// entries zero after the other (Golub and Van Loan 2013, algorithm 8.5.3).
    pub fn eigen(&self) -> (Vec<f64>, Vec<Vec<f64>>) {
        let n = self.size;
        let mut rows: Vec<Vec<f64>> = (0..n).map(|i| self.row(i).to_vec()).collect();
        let mut vectors: Vec<Vec<f64>> =
            (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
        let tiny = 1e-26 * dot(&self.values, &self.values);
        for _ in 0..SWEEPS {
            let off: f64 = rows.iter().enumerate().map(|(i, row)| dot(&row[..i], &row[..i])).sum();
            if off <= tiny {
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    let (c, s) = rotation(rows[p][p], rows[p][q], rows[q][q]);
                    rotate(&mut rows, p, q, c, s);
                    for row in &mut rows {
                        (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                    }
                    rotate(&mut vectors, p, q, c, s);
                }
            }
        }
        (rows.iter().enumerate().map(|(i, row)| row[i]).collect(), vectors)
    }
}

/// Cosine and sine of the rotation that makes the off-diagonal entry of `[[pp, pq], [pq, qq]]` zero.
fn rotation(pp: f64, pq: f64, qq: f64) -> (f64, f64) {
    if pq == 0.0 {
        return (1.0, 0.0);
    }
    let half = (qq - pp) / (2.0 * pq);
    let tangent = half.signum() / (half.abs() + half.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    (cosine, tangent * cosine)
}

/// Rotates rows `p` and `q`, `p < q`.
fn rotate(rows: &mut [Vec<f64>], p: usize, q: usize, c: f64, s: f64) {
    let (before, after) = rows.split_at_mut(q);
    for (a, b) in before[p].iter_mut().zip(&mut after[0]) {
        (*a, *b) = (c * *a - s * *b, s * *a + c * *b);
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

    /// `(A + ridge I)^-1`.
    pub fn inverse(&self) -> Matrix {
        let n = self.factor.size;
        let unit = |i: usize| (0..n).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>();
        let columns: Vec<Vec<f64>> = (0..n).map(|i| self.solve(&unit(i))).collect();
        Matrix::symmetric(n, |i, j| columns[i][j])
    }

    /// Logarithm of the determinant of `A + ridge I`.
    pub fn log_determinant(&self) -> f64 {
        (0..self.factor.size).map(|i| 2.0 * self.factor.row(i)[i].ln()).sum()
    }
}

/// Sum of products of vectors of one length, in eight interleaved sums that a processor adds at once.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
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
        let inverse = cholesky.inverse();
        for (i, x) in x.iter().enumerate() {
            assert!((dot(inverse.row(i), &b) - x).abs() < 1e-10, "row {i}");
        }
    }

    #[test]
    fn eigenvectors_are_only_stretched() {
        let n = 23;
        let a = Matrix::symmetric(n, |i, j| ((i * 7 + j * 3) % 5) as f64 - (i * j % 4) as f64);
        let (values, vectors) = a.eigen();
        for (value, vector) in values.iter().zip(&vectors) {
            assert!((dot(vector, vector) - 1.0).abs() < 1e-10);
            for (i, x) in vector.iter().enumerate() {
                assert!((dot(a.row(i), vector) - value * x).abs() < 1e-9, "eigenvalue {value}");
            }
        }
        let trace: f64 = (0..n).map(|i| a.row(i)[i]).sum();
        assert!((values.iter().sum::<f64>() - trace).abs() < 1e-9);
    }

    #[test]
    fn the_determinant_is_that_of_a_hand_computed_matrix() {
        let a = Matrix::symmetric(2, |i, j| if i == j { 3.0 } else { 1.0 });
        let cholesky = Cholesky::new(&a, 0.5).unwrap();
        assert!((cholesky.log_determinant() - (3.5f64 * 3.5 - 1.0).ln()).abs() < 1e-12);
    }
}
