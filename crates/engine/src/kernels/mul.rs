//! Product of a value with one of its shape, or with a gate per channel.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Mul;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    op.downcast::<Mul>()?;
    let sample = site.inputs[0].len();
    let gate = site.inputs[1].len();
    Some(Box::new(MulKernel { sample, gate }))
}

struct MulKernel {
    /// Elements of a sample of the value.
    sample: usize,
    /// Elements of a sample of the gate, which repeats over the positions of the value.
    gate: usize,
}

impl<T: Real> Kernel<T> for MulKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, gate) = (io.input(0), io.input(1));
        T::vectorized(
            #[inline(always)]
            || {
                let samples = io.output.chunks_exact_mut(self.sample).zip(x.chunks_exact(self.sample));
                for ((y, x), gate) in samples.zip(gate.chunks_exact(self.gate)) {
                    for (y, x) in y.chunks_exact_mut(self.gate).zip(x.chunks_exact(self.gate)) {
                        y.iter_mut().zip(x.iter().zip(gate)).for_each(|(y, (&x, &g))| *y = x * g);
                    }
                }
            },
        );
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, gate, dy) = (io.input(0), io.input(1), io.grad_output());
        if let Some(mut dx) = io.grad_input(0) {
            dx.start();
            T::vectorized(
                #[inline(always)]
                || {
                    let samples = dx.values.chunks_exact_mut(self.sample).zip(dy.chunks_exact(self.sample));
                    for ((dx, dy), gate) in samples.zip(gate.chunks_exact(self.gate)) {
                        for (dx, dy) in dx.chunks_exact_mut(self.gate).zip(dy.chunks_exact(self.gate)) {
                            dx.iter_mut().zip(dy.iter().zip(gate)).for_each(|(dx, (&d, &g))| *dx += d * g);
                        }
                    }
                },
            );
        }
        if let Some(mut dg) = io.grad_input(1) {
            dg.start();
            T::vectorized(
                #[inline(always)]
                || {
                    let samples = dg.values.chunks_exact_mut(self.gate).zip(dy.chunks_exact(self.sample));
                    for ((dg, dy), x) in samples.zip(x.chunks_exact(self.sample)) {
                        for (dy, x) in dy.chunks_exact(self.gate).zip(x.chunks_exact(self.gate)) {
                            dg.iter_mut().zip(dy.iter().zip(x)).for_each(|(dg, (&d, &x))| *dg += d * x);
                        }
                    }
                },
            );
        }
    }
}
