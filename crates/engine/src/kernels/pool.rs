//! Pooling over windows.

use super::window::Window;
use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::{Pool, Pooling};

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let pool = op.downcast::<Pool>()?;
    let ones = vec![1; pool.kernel.len()];
    let window = Window::new(site, &pool.kernel, &pool.stride, &ones, &pool.pad);
    Some(Box::new(PoolKernel { pooling: pool.pooling, window, channels: site.channels() }))
}

struct PoolKernel {
    pooling: Pooling,
    window: Window,
    channels: usize,
}

impl PoolKernel {
    /// Input positions over all samples under the window of output position `to`.
    #[inline(always)]
    fn under(&self, to: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        let w = &self.window;
        let (n, oy, ox) = (to / (w.out[0] * w.out[1]), to / w.out[1] % w.out[0], to % w.out[1]);
        w.taps(0, oy).flat_map(move |y| w.taps(1, ox).map(move |x| (n * w.size[0] + y) * w.size[1] + x))
    }
}

impl<T: Real> Kernel<T> for PoolKernel {
    fn needs(&self) -> Needs {
        let max = self.pooling == Pooling::Max;
        Needs { inputs: max, output: max }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, c) = (io.input(0), self.channels);
        T::vectorized(
            #[inline(always)]
            || {
                for (to, y) in io.output.chunks_exact_mut(c).enumerate() {
                    let average = self.pooling == Pooling::Average;
                    y.fill(if average { T::ZERO } else { T::of(f64::NEG_INFINITY) });
                    let mut count = 0usize;
                    for at in self.under(to) {
                        let x = &x[at * c..][..c];
                        if average {
                            y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
                        } else {
                            y.iter_mut().zip(x).for_each(|(y, &x)| *y = y.max(x));
                        }
                        count += 1;
                    }
                    if average {
                        let share = T::of(1.0 / count.max(1) as f64);
                        y.iter_mut().for_each(|y| *y = *y * share);
                    }
                }
            },
        );
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let dy = io.grad_output();
        let (x, y) = match self.pooling {
            Pooling::Max => (io.input(0), io.output()),
            Pooling::Average => (&[][..], &[][..]),
        };
        let Some(mut dx) = io.grad_input(0) else { return };
        dx.start();
        T::vectorized(
            #[inline(always)]
            || match self.pooling {
                Pooling::Max => self.max_backward(x, y, dy, dx.values),
                Pooling::Average => self.average_backward(dy, dx.values),
            },
        );
    }
}

impl PoolKernel {
    #[inline(always)]
    fn average_backward<T: Real>(&self, dy: &[T], dx: &mut [T]) {
        let c = self.channels;
        for to in 0..dy.len() / c {
            let share = T::of(1.0 / self.under(to).count().max(1) as f64);
            for at in self.under(to) {
                let pair = dx[at * c..][..c].iter_mut().zip(&dy[to * c..][..c]);
                pair.for_each(|(dx, &d)| *dx += d * share);
            }
        }
    }

    /// Of the positions that hold the maximum, the first gets the gradient.
    #[inline(always)]
    fn max_backward<T: Real>(&self, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
        let c = self.channels;
        for to in 0..dy.len() / c {
            for i in 0..c {
                let holder = self.under(to).find(|at| x[at * c + i] == y[to * c + i]);
                if let Some(at) = holder {
                    dx[at * c + i] += dy[to * c + i];
                }
            }
        }
    }
}
