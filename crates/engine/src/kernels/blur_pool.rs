//! Smoothing and downsampling: the binomial filter along lines, then along columns.

use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::BlurPool;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let blur = op.downcast::<BlurPool>()?;
    let axis = |i: usize| Axis::new(blur, site.inputs[0].spatial()[i], site.output.spatial()[i]);
    let axes = match site.inputs[0].spatial().len() {
        1 => [Axis::alone(), axis(0)],
        _ => [axis(0), axis(1)],
    };
    Some(Box::new(BlurPoolKernel { axes, channels: site.channels() }))
}

/// A spatial axis; one axis counts as two of which the first has size 1.
struct Axis {
    size: usize,
    out: usize,
    filter: Vec<f64>,
    /// For each output position the input positions under the filter.
    under: Vec<usize>,
}

impl Axis {
    fn new(blur: &BlurPool, size: usize, out: usize) -> Self {
        Self { size, out, filter: blur.filter(), under: blur.under(size) }
    }

    fn alone() -> Self {
        Self { size: 1, out: 1, filter: vec![1.0], under: vec![0] }
    }

    /// Input positions under the filter at output position `o`, with their factors.
    #[inline(always)]
    fn taps<T: Real>(&self, o: usize) -> impl Iterator<Item = (usize, T)> + '_ {
        let under = &self.under[o * self.filter.len()..][..self.filter.len()];
        under.iter().copied().zip(self.filter.iter().map(|&f| T::of(f)))
    }
}

struct BlurPoolKernel {
    axes: [Axis; 2],
    channels: usize,
}

impl BlurPoolKernel {
    /// Elements of a line of the input, and of the output.
    fn lines(&self) -> [usize; 2] {
        [self.axes[1].size * self.channels, self.axes[1].out * self.channels]
    }

    #[inline(always)]
    fn image<T: Real>(&self, x: &[T], line: &mut [T], y: &mut [T]) {
        let ([from, to], c) = (self.lines(), self.channels);
        for (oy, y) in y.chunks_exact_mut(to).enumerate() {
            line.fill(T::ZERO);
            for (iy, factor) in self.axes[0].taps(oy) {
                line.iter_mut().zip(&x[iy * from..][..from]).for_each(|(sum, &x)| *sum += x * factor);
            }
            y.fill(T::ZERO);
            for (ox, y) in y.chunks_exact_mut(c).enumerate() {
                for (ix, factor) in self.axes[1].taps(ox) {
                    y.iter_mut().zip(&line[ix * c..][..c]).for_each(|(y, &x)| *y += x * factor);
                }
            }
        }
    }

    /// The reverse of [`image`](Self::image): each gradient goes to its columns, the sum to its lines.
    #[inline(always)]
    fn image_backward<T: Real>(&self, dy: &[T], line: &mut [T], dx: &mut [T]) {
        let ([from, to], c) = (self.lines(), self.channels);
        for (oy, dy) in dy.chunks_exact(to).enumerate() {
            line.fill(T::ZERO);
            for (ox, dy) in dy.chunks_exact(c).enumerate() {
                for (ix, factor) in self.axes[1].taps(ox) {
                    line[ix * c..][..c].iter_mut().zip(dy).for_each(|(sum, &d)| *sum += d * factor);
                }
            }
            for (iy, factor) in self.axes[0].taps(oy) {
                dx[iy * from..][..from].iter_mut().zip(&*line).for_each(|(dx, &d)| *dx += d * factor);
            }
        }
    }
}

impl<T: Real> Kernel<T> for BlurPoolKernel {
    /// A line of the input.
    fn scratch(&self) -> usize {
        self.lines()[0]
    }

    fn forward(&self, io: Forward<'_, T>) {
        let [from, to] = self.lines();
        let x = io.input(0).chunks_exact(from * self.axes[0].size);
        let line = &mut io.scratch[..from];
        T::vectorized(
            #[inline(always)]
            || {
                let images = x.zip(io.output.chunks_exact_mut(to * self.axes[0].out));
                images.for_each(|(x, y)| self.image(x, line, y));
            },
        );
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let [from, to] = self.lines();
        let dy = io.grad_output().chunks_exact(to * self.axes[0].out);
        let line = &mut std::mem::take(&mut io.scratch)[..from];
        let Some(mut dx) = io.grad_input(0) else { return };
        dx.start();
        T::vectorized(
            #[inline(always)]
            || {
                let images = dy.zip(dx.values.chunks_exact_mut(from * self.axes[0].size));
                images.for_each(|(dy, dx)| self.image_backward(dy, line, dx));
            },
        );
    }
}
