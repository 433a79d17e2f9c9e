//! Learned scale per channel.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Scale;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    op.downcast::<Scale>()?;
    Some(Box::new(ScaleKernel { channels: site.channels() }))
}

struct ScaleKernel {
    channels: usize,
}

impl<T: Real> Kernel<T> for ScaleKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, gamma) = (io.input(0), io.param(0));
        T::vectorized(
            #[inline(always)]
            || {
                for (y, x) in io.output.chunks_exact_mut(self.channels).zip(x.chunks_exact(self.channels)) {
                    y.iter_mut().zip(x.iter().zip(gamma)).for_each(|(y, (&x, &g))| *y = x * g);
                }
            },
        );
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy, gamma) = (io.input(0), io.grad_output(), io.param(0));
        let dgamma = io.take_grad_param(0);
        for (x, dy) in x.chunks_exact(self.channels).zip(dy.chunks_exact(self.channels)) {
            dgamma.iter_mut().zip(x.iter().zip(dy)).for_each(|(dg, (&x, &d))| *dg += x * d);
        }
        if let Some(dx) = io.grad_input(0) {
            dx.put(
                dy.chunks_exact(self.channels).flat_map(|row| row.iter().zip(gamma).map(|(&d, &g)| d * g)),
            );
        }
    }
}
