//! Depthwise convolution: each channel filtered on its own, vectorised over channels.

use super::linear::sum_rows;
use super::window::Window;
use super::{Backward, Forward, Kernel, Needs};
use crate::{Real, vectorized};

pub(super) struct Depthwise {
    pub window: Window,
    pub channels: usize,
    pub batch: usize,
    pub bias: bool,
}

/// Calls `$body` with `$N` channels at a time from `$at` on: wide blocks first, then what is left.
macro_rules! channel_blocks {
    ($channels:expr, |$at:ident, $N:ident| $body:expr) => {{
        let mut $at = 0;
        channel_blocks!(@width 32, $channels, $at, $N, $body);
        channel_blocks!(@width 16, $channels, $at, $N, $body);
        channel_blocks!(@width 8, $channels, $at, $N, $body);
        channel_blocks!(@width 4, $channels, $at, $N, $body);
        channel_blocks!(@width 1, $channels, $at, $N, $body);
    }};
    (@width $width:literal, $channels:expr, $at:ident, $N:ident, $body:expr) => {
        while $channels - $at >= $width {
            const $N: usize = $width;
            $body;
            $at += $width;
        }
    };
}

#[inline(always)]
fn block<T, const N: usize>(values: &[T], at: usize) -> &[T; N] {
    // The slice has exactly N elements.
    match values[at..at + N].try_into() {
        Ok(block) => block,
        Err(_) => unreachable!(),
    }
}

impl Depthwise {
    /// First element of input position `(y, x)` of an image.
    #[inline(always)]
    fn input_at(&self, image: usize, y: usize, x: usize) -> usize {
        ((image * self.window.size[0] + y) * self.window.size[1] + x) * self.channels
    }

    #[inline(always)]
    fn forward_block<T: Real, const N: usize>(
        &self,
        c: usize,
        x: &[T],
        weight: &[T],
        bias: Option<&[T]>,
        output: &mut [T],
    ) {
        let w = &self.window;
        let start: [T; N] = bias.map_or([T::ZERO; N], |b| *block(b, c));
        for n in 0..self.batch {
            for oy in 0..w.out[0] {
                for ox in 0..w.out[1] {
                    let mut sum = start;
                    for ky in 0..w.kernel[0] {
                        let Some(y) = w.tap(0, oy, ky) else { continue };
                        for kx in 0..w.kernel[1] {
                            let Some(at) = w.tap(1, ox, kx) else { continue };
                            let x: &[T; N] = block(x, self.input_at(n, y, at) + c);
                            let tap: &[T; N] = block(weight, (ky * w.kernel[1] + kx) * self.channels + c);
                            (0..N).for_each(|i| sum[i] += x[i] * tap[i]);
                        }
                    }
                    let to = ((n * w.out[0] + oy) * w.out[1] + ox) * self.channels + c;
                    output[to..to + N].copy_from_slice(&sum);
                }
            }
        }
    }

    /// One tap of the weight's gradient: the sum over all outputs whose tap lies inside the input.
    #[inline(always)]
    fn tap_gradient<T: Real, const N: usize>(
        &self,
        c: usize,
        ky: usize,
        kx: usize,
        x: &[T],
        dy: &[T],
    ) -> [T; N] {
        let w = &self.window;
        let mut total = [T::ZERO; N];
        for n in 0..self.batch {
            for oy in w.inside(0, ky) {
                let y = oy * w.stride[0] + ky * w.dilation[0] - w.pad[0];
                // Sums of one line first: shorter sums round less.
                let mut sum = [T::ZERO; N];
                for ox in w.inside(1, kx) {
                    let at = ox * w.stride[1] + kx * w.dilation[1] - w.pad[1];
                    let x: &[T; N] = block(x, self.input_at(n, y, at) + c);
                    let d: &[T; N] = block(dy, ((n * w.out[0] + oy) * w.out[1] + ox) * self.channels + c);
                    (0..N).for_each(|i| sum[i] += x[i] * d[i]);
                }
                (0..N).for_each(|i| total[i] += sum[i]);
            }
        }
        total
    }

    /// The gradient of one input position: all outputs that looked at it.
    #[inline(always)]
    fn input_gradient<T: Real, const N: usize>(
        &self,
        c: usize,
        weight: &[T],
        dy: &[T],
        accumulate: bool,
        dx: &mut [T],
    ) {
        let w = &self.window;
        for n in 0..self.batch {
            for y in 0..w.size[0] {
                for x in 0..w.size[1] {
                    let at = self.input_at(n, y, x) + c;
                    let mut sum: [T; N] = if accumulate { *block(dx, at) } else { [T::ZERO; N] };
                    for ky in 0..w.kernel[0] {
                        let Some(oy) = self.output_of(0, y, ky) else { continue };
                        for kx in 0..w.kernel[1] {
                            let Some(ox) = self.output_of(1, x, kx) else { continue };
                            let d: &[T; N] =
                                block(dy, ((n * w.out[0] + oy) * w.out[1] + ox) * self.channels + c);
                            let tap: &[T; N] = block(weight, (ky * w.kernel[1] + kx) * self.channels + c);
                            (0..N).for_each(|i| sum[i] += d[i] * tap[i]);
                        }
                    }
                    dx[at..at + N].copy_from_slice(&sum);
                }
            }
        }
    }

    /// The output position whose tap `k` lies at input position `at`.
    #[inline(always)]
    fn output_of(&self, axis: usize, at: usize, k: usize) -> Option<usize> {
        let w = &self.window;
        let o = (at + w.pad[axis]).checked_sub(k * w.dilation[axis])?;
        let o = if w.stride[axis] == 1 {
            o
        } else if o % w.stride[axis] == 0 {
            o / w.stride[axis]
        } else {
            return None;
        };
        (o < w.out[axis]).then_some(o)
    }
}

impl<T: Real> Kernel<T> for Depthwise {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, weight) = (io.input(0), io.param(0));
        let bias = self.bias.then(|| io.param(1));
        vectorized(|| {
            channel_blocks!(self.channels, |c, N| self.forward_block::<T, N>(c, x, weight, bias, io.output))
        });
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy, weight) = (io.input(0), io.grad_output(), io.param(0));
        let dweight = io.take_grad_param(0);
        vectorized(|| {
            for (tap, row) in dweight.chunks_exact_mut(self.channels).enumerate() {
                let (ky, kx) = (tap / self.window.kernel[1], tap % self.window.kernel[1]);
                channel_blocks!(self.channels, |c, N| {
                    row[c..c + N].copy_from_slice(&self.tap_gradient::<T, N>(c, ky, kx, x, dy))
                });
            }
        });
        if self.bias {
            sum_rows(dy, io.take_grad_param(1));
        }
        let Some(dx) = io.grad_input(0) else { return };
        vectorized(|| {
            channel_blocks!(self.channels, |c, N| {
                self.input_gradient::<T, N>(c, weight, dy, dx.accumulate, dx.values)
            })
        });
    }
}
