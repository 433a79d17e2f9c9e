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

impl<T: Real> Kernel<T> for PoolKernel {
    fn needs(&self) -> Needs {
        let max = self.pooling == Pooling::Max;
        Needs { inputs: max, output: max }
    }

    /// A line of the input.
    fn scratch(&self) -> usize {
        self.line()
    }

    fn forward(&self, io: Forward<'_, T>) {
        let x = io.input(0);
        let [image, output] = self.images();
        let line = &mut io.scratch[..self.line()];
        T::vectorized(
            #[inline(always)]
            || {
                for (x, y) in x.chunks_exact(image).zip(io.output.chunks_exact_mut(output)) {
                    match self.pooling {
                        Pooling::Average => self.average(x, line, y),
                        Pooling::Max => self.max(x, line, y),
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
        let [image, output] = self.images();
        let line = &mut std::mem::take(&mut io.scratch)[..self.line()];
        let Some(mut dx) = io.grad_input(0) else { return };
        dx.start();
        T::vectorized(
            #[inline(always)]
            || match self.pooling {
                Pooling::Max => self.max_backward(x, y, dy, dx.values),
                Pooling::Average => {
                    for (dy, dx) in dy.chunks_exact(output).zip(dx.values.chunks_exact_mut(image)) {
                        self.average_backward(dy, line, dx);
                    }
                }
            },
        );
    }
}

impl PoolKernel {
    /// Elements of a line of the input.
    fn line(&self) -> usize {
        self.window.size[1] * self.channels
    }

    /// Elements of an image of the input, and of the output.
    fn images(&self) -> [usize; 2] {
        [self.window.size, self.window.out].map(|size| size[0] * size[1] * self.channels)
    }

    /// Sums over the lines of a window, then over its columns.
    #[inline(always)]
    fn average<T: Real>(&self, x: &[T], line: &mut [T], y: &mut [T]) {
        let (w, c, len) = (&self.window, self.channels, self.line());
        for (oy, y) in y.chunks_exact_mut(w.out[1] * c).enumerate() {
            line.fill(T::ZERO);
            for iy in w.taps(0, oy) {
                line.iter_mut().zip(&x[iy * len..][..len]).for_each(|(sum, &x)| *sum += x);
            }
            let rows = w.taps(0, oy).count();
            for (ox, y) in y.chunks_exact_mut(c).enumerate() {
                let share = T::of(1.0 / (rows * w.taps(1, ox).count()).max(1) as f64);
                y.fill(T::ZERO);
                for ix in w.taps(1, ox) {
                    y.iter_mut().zip(&line[ix * c..][..c]).for_each(|(y, &x)| *y += x);
                }
                y.iter_mut().for_each(|y| *y = *y * share);
            }
        }
    }

    #[inline(always)]
    fn max<T: Real>(&self, x: &[T], line: &mut [T], y: &mut [T]) {
        let (w, c, len) = (&self.window, self.channels, self.line());
        for (oy, y) in y.chunks_exact_mut(w.out[1] * c).enumerate() {
            line.fill(T::of(f64::NEG_INFINITY));
            for iy in w.taps(0, oy) {
                line.iter_mut().zip(&x[iy * len..][..len]).for_each(|(most, &x)| *most = most.max(x));
            }
            for (ox, y) in y.chunks_exact_mut(c).enumerate() {
                y.fill(T::of(f64::NEG_INFINITY));
                for ix in w.taps(1, ox) {
                    y.iter_mut().zip(&line[ix * c..][..c]).for_each(|(y, &x)| *y = y.max(x));
                }
            }
        }
    }

    /// The reverse of [`average`](Self::average): each gradient goes to the columns of its window, the sum to its lines.
    #[inline(always)]
    fn average_backward<T: Real>(&self, dy: &[T], line: &mut [T], dx: &mut [T]) {
        let (w, c, len) = (&self.window, self.channels, self.line());
        for (oy, dy) in dy.chunks_exact(w.out[1] * c).enumerate() {
            line.fill(T::ZERO);
            let rows = w.taps(0, oy).count();
            for (ox, dy) in dy.chunks_exact(c).enumerate() {
                let share = T::of(1.0 / (rows * w.taps(1, ox).count()).max(1) as f64);
                for ix in w.taps(1, ox) {
                    line[ix * c..][..c].iter_mut().zip(dy).for_each(|(sum, &d)| *sum += d * share);
                }
            }
            for iy in w.taps(0, oy) {
                dx[iy * len..][..len].iter_mut().zip(&*line).for_each(|(dx, &d)| *dx += d);
            }
        }
    }

    /// Of the positions that hold the maximum, the first gets the gradient.
    #[inline(always)]
    fn max_backward<T: Real>(&self, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
        let c = self.channels;
        for to in 0..dy.len() / c {
            for i in 0..c {
                let holder = self.window.under(to).find(|at| x[at * c + i] == y[to * c + i]);
                if let Some(at) = holder {
                    dx[at * c + i] += dy[to * c + i];
                }
            }
        }
    }
}
