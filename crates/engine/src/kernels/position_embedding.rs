//! Learned vectors for positions.

use super::linear::add_rows;
use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::PositionEmbedding;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    op.downcast::<PositionEmbedding>()?;
    Some(Box::new(PositionEmbeddingKernel { sample: site.output.len() }))
}

struct PositionEmbeddingKernel {
    sample: usize,
}

impl<T: Real> Kernel<T> for PositionEmbeddingKernel {
    fn forward(&self, io: Forward<'_, T>) {
        let (x, weight) = (io.input(0), io.param(0));
        T::vectorized(
            #[inline(always)]
            || {
                for (y, x) in io.output.chunks_exact_mut(self.sample).zip(x.chunks_exact(self.sample)) {
                    y.iter_mut().zip(x.iter().zip(weight)).for_each(|(y, (&x, &w))| *y = x + w);
                }
            },
        );
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        add_rows(io.grad_output(), &mut io.take_grad_param(0)[..self.sample]);
        io.map(|_, d| d);
    }
}
