//! Sum of values.

use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Add;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    op.downcast::<Add>()?;
    Some(Box::new(AddKernel { inputs: site.inputs.len() }))
}

struct AddKernel {
    inputs: usize,
}

impl<T: Real> Kernel<T> for AddKernel {
    fn forward(&self, io: Forward<'_, T>) {
        let (a, b) = (io.input(0), io.input(1));
        T::vectorized(
            #[inline(always)]
            || io.output.iter_mut().zip(a.iter().zip(b)).for_each(|(y, (&a, &b))| *y = a + b),
        );
        for k in 2..self.inputs {
            let x = io.input(k);
            T::vectorized(
                #[inline(always)]
                || io.output.iter_mut().zip(x).for_each(|(y, &x)| *y += x),
            );
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let dy = io.grad_output();
        for k in 0..self.inputs {
            if let Some(dx) = io.grad_input(k) {
                T::vectorized(
                    #[inline(always)]
                    || dx.put(dy.iter().copied()),
                );
            }
        }
    }
}
