//! A range of channels.

use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Slice;
use std::ops::Range;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let slice = op.downcast::<Slice>()?;
    Some(Box::new(SliceKernel { channels: site.channels(), range: slice.start..slice.end }))
}

struct SliceKernel {
    channels: usize,
    range: Range<usize>,
}

impl<T: Real> Kernel<T> for SliceKernel {
    fn is_cheap(&self) -> bool {
        true
    }

    fn forward(&self, io: Forward<'_, T>) {
        let x = io.input(0);
        let rows = io.output.chunks_exact_mut(self.range.len()).zip(x.chunks_exact(self.channels));
        rows.for_each(|(y, x)| y.copy_from_slice(&x[self.range.clone()]));
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let dy = io.grad_output();
        let Some(mut dx) = io.grad_input(0) else { return };
        dx.start();
        for (dx, dy) in dx.values.chunks_exact_mut(self.channels).zip(dy.chunks_exact(self.range.len())) {
            dx[self.range.clone()].iter_mut().zip(dy).for_each(|(dx, &d)| *dx += d);
        }
    }
}
