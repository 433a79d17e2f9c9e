//! Zeros.

use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Zero;

pub(super) fn lower<T: Real>(op: &dyn Op, _: &Site) -> Option<Box<dyn Kernel<T>>> {
    op.downcast::<Zero>()?;
    Some(Box::new(ZeroKernel))
}

struct ZeroKernel;

impl<T: Real> Kernel<T> for ZeroKernel {
    fn is_cheap(&self) -> bool {
        true
    }

    fn forward(&self, io: Forward<'_, T>) {
        io.output.fill(T::ZERO);
    }

    fn backward(&self, io: Backward<'_, T>) {
        io.map(|_, _| T::ZERO);
    }
}
