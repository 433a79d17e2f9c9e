//! Softmax over the last axis.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Softmax;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    op.downcast::<Softmax>()?;
    Some(Box::new(SoftmaxKernel { width: site.channels() }))
}

struct SoftmaxKernel {
    width: usize,
}

impl<T: Real> Kernel<T> for SoftmaxKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: false, output: true }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let x = io.input(0);
        T::vectorized(
            #[inline(always)]
            || {
                for (y, x) in io.output.chunks_exact_mut(self.width).zip(x.chunks_exact(self.width)) {
                    let largest = x.iter().fold(x[0], |m, &v| m.max(v));
                    let mut total = T::ZERO;
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = (x - largest).exp();
                        total += *y;
                    }
                    y.iter_mut().for_each(|y| *y = *y / total);
                }
            },
        );
    }

    /// `dx_i = y_i (dy_i - sum_j dy_j y_j)`
    fn backward(&self, mut io: Backward<'_, T>) {
        let (y, dy) = (io.output(), io.grad_output());
        let Some(mut dx) = io.grad_input(0) else { return };
        dx.start();
        let rows = y.chunks_exact(self.width).zip(dy.chunks_exact(self.width));
        for (dx, (y, dy)) in dx.values.chunks_exact_mut(self.width).zip(rows) {
            let along = y.iter().zip(dy).fold(T::ZERO, |s, (&y, &d)| s + y * d);
            dx.iter_mut().zip(y.iter().zip(dy)).for_each(|(dx, (&y, &d))| *dx += y * (d - along));
        }
    }
}
