//! Raw values to standard units, and back.

use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Standardize;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let inverse = op.downcast::<Standardize>()?.inverse;
    Some(Box::new(StandardizeKernel { inverse, channels: site.channels() }))
}

struct StandardizeKernel {
    inverse: bool,
    channels: usize,
}

impl<T: Real> Kernel<T> for StandardizeKernel {
    fn is_cheap(&self) -> bool {
        true
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, mean, std) = (io.input(0), io.param(0), io.param(1));
        let rows = io.output.chunks_exact_mut(self.channels).zip(x.chunks_exact(self.channels));
        T::vectorized(
            #[inline(always)]
            || {
                for (y, x) in rows {
                    for (((y, &x), &mean), &std) in y.iter_mut().zip(x).zip(mean).zip(std) {
                        *y = if self.inverse { x * std + mean } else { (x - mean) / std };
                    }
                }
            },
        );
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (dy, std) = (io.grad_output(), io.param(1));
        let Some(dx) = io.grad_input(0) else { return };
        let slope = |d: T, s: T| if self.inverse { d * s } else { d / s };
        dx.put(
            dy.chunks_exact(self.channels).flat_map(|row| row.iter().zip(std).map(|(&d, &s)| slope(d, s))),
        );
    }
}
