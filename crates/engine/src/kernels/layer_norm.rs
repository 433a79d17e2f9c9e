//! Layer normalisation.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::LayerNorm;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let eps = op.downcast::<LayerNorm>()?.eps;
    Some(Box::new(LayerNormKernel { eps, width: site.channels() }))
}

struct LayerNormKernel {
    eps: f64,
    width: usize,
}

impl LayerNormKernel {
    /// Mean and `1 / sqrt(var + eps)` of a row.
    #[inline(always)]
    fn statistics<T: Real>(&self, x: &[T]) -> (T, T) {
        let share = T::of(1.0 / self.width as f64);
        let mean = x.iter().fold(T::ZERO, |s, &v| s + v) * share;
        let variance = x.iter().fold(T::ZERO, |s, &v| s + (v - mean) * (v - mean)) * share;
        (mean, T::ONE / (variance + T::of(self.eps)).sqrt())
    }
}

impl<T: Real> Kernel<T> for LayerNormKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, gamma, beta) = (io.input(0), io.param(0), io.param(1));
        T::vectorized(
            #[inline(always)]
            || {
                for (y, x) in io.output.chunks_exact_mut(self.width).zip(x.chunks_exact(self.width)) {
                    let (mean, inverse) = self.statistics(x);
                    for (((y, &x), &g), &b) in y.iter_mut().zip(x).zip(gamma).zip(beta) {
                        *y = (x - mean) * inverse * g + b;
                    }
                }
            },
        );
    }

    /// With `n = (x - mean) / std` and `h = gamma dy`: `dx = (h - mean(h) - n mean(h n)) / std`.
    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy, gamma) = (io.input(0), io.grad_output(), io.param(0));
        let (dgamma, dbeta) = (io.take_grad_param(0), io.take_grad_param(1));
        let mut dx = io.grad_input(0);
        if let Some(dx) = dx.as_mut() {
            dx.start();
        }
        let share = T::of(1.0 / self.width as f64);
        T::vectorized(
            #[inline(always)]
            || {
                for (row, (x, dy)) in x.chunks_exact(self.width).zip(dy.chunks_exact(self.width)).enumerate()
                {
                    let (mean, inverse) = self.statistics(x);
                    let (mut sum, mut along) = (T::ZERO, T::ZERO);
                    for i in 0..self.width {
                        let n = (x[i] - mean) * inverse;
                        dgamma[i] += dy[i] * n;
                        dbeta[i] += dy[i];
                        sum += dy[i] * gamma[i];
                        along += dy[i] * gamma[i] * n;
                    }
                    let Some(dx) = dx.as_mut() else { continue };
                    for (i, dx) in dx.values[row * self.width..][..self.width].iter_mut().enumerate() {
                        let n = (x[i] - mean) * inverse;
                        *dx += (dy[i] * gamma[i] - sum * share - n * along * share) * inverse;
                    }
                }
            },
        );
    }
}
