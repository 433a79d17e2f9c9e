//! Product of two matrices that are both computed, for every sample and every index of the leading axes.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use crate::matmul::{Matrix, matmul, transpose};
use nasmyth_graph::Op;
use nasmyth_graph::ops::MatMul;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let op = op.downcast::<MatMul>()?;
    let n = site.output.channels();
    let rows = site.inputs[0].spatial().last().copied()?;
    Some(Box::new(ProductKernel {
        m: rows,
        k: site.channels(),
        n,
        transpose_b: op.transpose_b,
        factor: op.factor,
    }))
}

/// `y = factor a b` with `a` of `m` x `k` and `b` of `k` x `n`, or of `n` x `k` and transposed.
struct ProductKernel {
    m: usize,
    k: usize,
    n: usize,
    transpose_b: bool,
    factor: f64,
}

impl ProductKernel {
    fn scale<T: Real>(&self, values: &mut [T]) {
        if self.factor != 1.0 {
            let factor = T::of(self.factor);
            T::vectorized(
                #[inline(always)]
                || values.iter_mut().for_each(|v| *v = *v * factor),
            );
        }
    }

    /// The gradient of `a`, from that of the product.
    fn gradient_a<T: Real>(&self, dy: &[T], b: &[T], transposed: &mut [T], da: &mut [T], accumulate: bool) {
        let dy = Matrix::new(dy, self.m, self.n);
        let rows_of_b = if self.transpose_b {
            b
        } else {
            transpose(Matrix::new(b, self.k, self.n), transposed);
            transposed
        };
        matmul(da, self.k, accumulate, dy, Matrix::new(rows_of_b, self.n, self.k));
    }

    /// The gradient of `b`, from that of the product.
    fn gradient_b<T: Real>(&self, dy: &[T], a: &[T], db: &mut [T], accumulate: bool) {
        let (dy, a) = (Matrix::new(dy, self.m, self.n), Matrix::new(a, self.m, self.k));
        if self.transpose_b {
            matmul(db, self.k, accumulate, dy.transposed(), a);
        } else {
            matmul(db, self.n, accumulate, a.transposed(), dy);
        }
    }
}

impl<T: Real> Kernel<T> for ProductKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    /// `b` transposed, and the gradient of the product times the factor.
    fn scratch(&self) -> usize {
        self.k * self.n + self.m * self.n
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (a, b) = (io.input(0).chunks_exact(self.m * self.k), io.input(1).chunks_exact(self.k * self.n));
        let transposed = &mut io.scratch[..self.k * self.n];
        for (y, (a, b)) in io.output.chunks_exact_mut(self.m * self.n).zip(a.zip(b)) {
            let b = if self.transpose_b {
                transpose(Matrix::new(b, self.n, self.k), transposed);
                &*transposed
            } else {
                b
            };
            matmul(y, self.n, false, Matrix::new(a, self.m, self.k), Matrix::new(b, self.k, self.n));
            self.scale(y);
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (a, b, dy) = (io.input(0), io.input(1), io.grad_output());
        let [of_a, of_b, of_y] = [self.m * self.k, self.k * self.n, self.m * self.n];
        let (transposed, scaled) = std::mem::take(&mut io.scratch).split_at_mut(of_b);
        let scaled = &mut scaled[..of_y];
        if let Some(da) = io.grad_input(0) {
            let products = dy.chunks_exact(of_y).zip(b.chunks_exact(of_b));
            for (da_, (dy, b)) in da.values.chunks_exact_mut(of_a).zip(products) {
                scaled.copy_from_slice(dy);
                self.scale(scaled);
                self.gradient_a(scaled, b, transposed, da_, da.accumulate);
            }
        }
        if let Some(db) = io.grad_input(1) {
            let products = dy.chunks_exact(of_y).zip(a.chunks_exact(of_a));
            for (db_, (dy, a)) in db.values.chunks_exact_mut(of_b).zip(products) {
                scaled.copy_from_slice(dy);
                self.scale(scaled);
                self.gradient_b(scaled, a, db_, db.accumulate);
            }
        }
    }
}
