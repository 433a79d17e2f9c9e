//! Sum of values.

use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Add;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    op.downcast::<Add>()?;
    let inputs = 0..site.inputs.len();
    let (whole, spread) = inputs.partition(|&k| site.inputs[k].len() == site.output.len());
    Some(Box::new(AddKernel { whole, spread, sample: site.output.len(), channels: site.output.channels() }))
}

struct AddKernel {
    /// Inputs of the output's size.
    whole: Vec<usize>,
    /// Inputs that repeat over the positions.
    spread: Vec<usize>,
    /// Elements of a sample of the output.
    sample: usize,
    channels: usize,
}

impl AddKernel {
    /// `y` gets the sum of the whole inputs.
    fn sum<T: Real>(&self, io: &mut Forward<'_, T>) {
        let [first, rest @ ..] = &self.whole[..] else { return };
        let x = io.input(*first);
        let [second, rest @ ..] = rest else { return io.output.copy_from_slice(x) };
        let second = io.input(*second);
        T::vectorized(
            #[inline(always)]
            || io.output.iter_mut().zip(x.iter().zip(second)).for_each(|(y, (&a, &b))| *y = a + b),
        );
        for &k in rest {
            let x = io.input(k);
            T::vectorized(
                #[inline(always)]
                || io.output.iter_mut().zip(x).for_each(|(y, &x)| *y += x),
            );
        }
    }
}

impl<T: Real> Kernel<T> for AddKernel {
    fn forward(&self, mut io: Forward<'_, T>) {
        self.sum(&mut io);
        for &k in &self.spread {
            let x = io.input(k);
            T::vectorized(
                #[inline(always)]
                || {
                    let samples = io.output.chunks_exact_mut(self.sample);
                    for (y, x) in samples.zip(x.chunks_exact(self.channels)) {
                        for y in y.chunks_exact_mut(self.channels) {
                            y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
                        }
                    }
                },
            );
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let dy = io.grad_output();
        for &k in &self.whole {
            if let Some(dx) = io.grad_input(k) {
                T::vectorized(
                    #[inline(always)]
                    || dx.put(dy.iter().copied()),
                );
            }
        }
        for &k in &self.spread {
            let Some(mut dx) = io.grad_input(k) else { continue };
            dx.start();
            T::vectorized(
                #[inline(always)]
                || {
                    let samples = dx.values.chunks_exact_mut(self.channels);
                    for (dx, dy) in samples.zip(dy.chunks_exact(self.sample)) {
                        for dy in dy.chunks_exact(self.channels) {
                            dx.iter_mut().zip(dy).for_each(|(dx, &d)| *dx += d);
                        }
                    }
                },
            );
        }
    }
}
