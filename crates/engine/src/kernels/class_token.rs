//! Learned tokens before those of the sample.

use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::ClassToken;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let token = op.downcast::<ClassToken>()?;
    Some(Box::new(ClassTokenKernel { learned: token.count * site.channels(), sample: site.inputs[0].len() }))
}

struct ClassTokenKernel {
    /// Elements of the learned rows.
    learned: usize,
    /// Elements of a sample of the input.
    sample: usize,
}

impl<T: Real> Kernel<T> for ClassTokenKernel {
    fn forward(&self, io: Forward<'_, T>) {
        let (x, weight) = (io.input(0), io.param(0));
        let samples = io.output.chunks_exact_mut(self.learned + self.sample);
        for (y, x) in samples.zip(x.chunks_exact(self.sample)) {
            let (learned, rest) = y.split_at_mut(self.learned);
            learned.copy_from_slice(weight);
            rest.copy_from_slice(x);
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let dy = io.grad_output().chunks_exact(self.learned + self.sample);
        let dweight = io.take_grad_param(0);
        for dy in dy.clone() {
            dweight.iter_mut().zip(dy).for_each(|(w, &d)| *w += d);
        }
        if let Some(dx) = io.grad_input(0) {
            dx.put(dy.flat_map(|dy| dy[self.learned..].iter().copied()));
        }
    }
}
