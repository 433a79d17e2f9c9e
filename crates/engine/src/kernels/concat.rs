//! Joining along the last axis.

use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Concat;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    op.downcast::<Concat>()?;
    let widths = site.inputs.iter().map(|f| f.channels()).collect();
    Some(Box::new(ConcatKernel { widths, width: site.output.channels() }))
}

struct ConcatKernel {
    widths: Vec<usize>,
    width: usize,
}

impl<T: Real> Kernel<T> for ConcatKernel {
    fn forward(&self, io: Forward<'_, T>) {
        let mut start = 0;
        for (k, &own) in self.widths.iter().enumerate() {
            let x = io.input(k);
            let rows = io.output.chunks_exact_mut(self.width).zip(x.chunks_exact(own));
            rows.for_each(|(y, x)| y[start..start + own].copy_from_slice(x));
            start += own;
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let dy = io.grad_output();
        let mut start = 0;
        for (k, &own) in self.widths.iter().enumerate() {
            if let Some(dx) = io.grad_input(k) {
                dx.put(dy.chunks_exact(self.width).flat_map(|row| row[start..start + own].iter().copied()));
            }
            start += own;
        }
    }
}
