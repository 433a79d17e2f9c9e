//! Pooling over all positions.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::{GlobalPool, Pooling};

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let pooling = op.downcast::<GlobalPool>()?.0;
    let channels = site.channels();
    Some(Box::new(GlobalPoolKernel { pooling, channels, positions: site.inputs[0].len() / channels }))
}

struct GlobalPoolKernel {
    pooling: Pooling,
    channels: usize,
    positions: usize,
}

impl<T: Real> Kernel<T> for GlobalPoolKernel {
    fn needs(&self) -> Needs {
        let max = self.pooling == Pooling::Max;
        Needs { inputs: max, output: max }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let x = io.input(0);
        let share = T::of(1.0 / self.positions as f64);
        T::vectorized(
            #[inline(always)]
            || {
                let samples = x.chunks_exact(self.channels * self.positions);
                for (y, x) in io.output.chunks_exact_mut(self.channels).zip(samples) {
                    y.copy_from_slice(&x[..self.channels]);
                    for row in x.chunks_exact(self.channels).skip(1) {
                        match self.pooling {
                            Pooling::Max => y.iter_mut().zip(row).for_each(|(y, &x)| *y = y.max(x)),
                            Pooling::Average => y.iter_mut().zip(row).for_each(|(y, &x)| *y += x),
                        }
                    }
                    if self.pooling == Pooling::Average {
                        y.iter_mut().for_each(|y| *y = *y * share);
                    }
                }
            },
        );
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, y, dy) = match self.pooling {
            Pooling::Max => (io.input(0), io.output(), io.grad_output()),
            Pooling::Average => (&[][..], &[][..], io.grad_output()),
        };
        let Some(mut dx) = io.grad_input(0) else { return };
        let sample = self.channels * self.positions;
        match self.pooling {
            Pooling::Average => {
                let share = T::of(1.0 / self.positions as f64);
                let rows =
                    dy.chunks_exact(self.channels).flat_map(|row| std::iter::repeat_n(row, self.positions));
                dx.put(rows.flat_map(|row| row.iter().map(|&d| d * share)));
            }
            Pooling::Max => {
                dx.start();
                for (n, (y, dy)) in
                    y.chunks_exact(self.channels).zip(dy.chunks_exact(self.channels)).enumerate()
                {
                    let x = &x[n * sample..][..sample];
                    for c in 0..self.channels {
                        // The first position that holds the maximum gets the gradient.
                        if let Some(p) = (0..self.positions).find(|p| x[p * self.channels + c] == y[c]) {
                            dx.values[n * sample + p * self.channels + c] += dy[c];
                        }
                    }
                }
            }
        }
    }
}
