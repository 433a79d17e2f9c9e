//! Batch normalisation, with the activation that follows it.

use super::activation::{self, Curve, with_curve};
use super::blocks::{block, block_mut, channel_blocks};
use super::statistics::{Records, Statistics};
use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::{BatchNorm, Function};

/// Rows summed before the sum is added to the total: short sums round less.
const BLOCK: usize = 256;

pub(super) fn lower<T: Real>(
    op: &dyn Op,
    after: Option<Function>,
    site: &Site,
) -> Option<Box<dyn Kernel<T>>> {
    let norm = op.downcast::<BatchNorm>()?.clone();
    let channels = site.channels();
    Some(Box::new(BatchNormKernel {
        norm,
        after,
        positions: site.positions(),
        channels,
        training: site.training,
    }))
}

struct BatchNormKernel {
    norm: BatchNorm,
    after: Option<Function>,
    /// Rows of a sample.
    positions: usize,
    channels: usize,
    training: bool,
}

/// What the batch came to, per channel. Forward: `n = (x - mean) inverse`, `y = f(x scale + shift)`; backward, with the gradient
/// `d` behind the activation: `dx = slope d + along x + rest`.
struct Shared<S> {
    scale: S,
    shift: S,
    mean: S,
    inverse: S,
    slope: S,
    along: S,
    rest: S,
}

/// Fields of [`Shared`].
const SHARED: usize = 7;

impl<S> Shared<S> {
    fn of(rows: impl Iterator<Item = S>) -> Option<Self> {
        let mut rows = rows;
        let mut next = || rows.next();
        Some(Self {
            scale: next()?,
            shift: next()?,
            mean: next()?,
            inverse: next()?,
            slope: next()?,
            along: next()?,
            rest: next()?,
        })
    }
}

impl BatchNormKernel {
    /// Factor and offset of the normalisation of channel `i`. `params`: gamma, beta.
    fn affine<T: Real>(&self, i: usize, mean: T, variance: T, params: &[&[T]]) -> (T, T, T) {
        let inverse = T::ONE / (variance + T::of(self.norm.eps)).sqrt();
        let scale = params[0][i] * inverse;
        (scale, params[1][i] - mean * scale, inverse)
    }

    /// Two sums for each of `N` channels from `at` on over all rows of `a` and `b`.
    #[inline(always)]
    fn sums<T: Real, const N: usize>(
        &self,
        a: &[T],
        b: &[T],
        at: usize,
        f: impl Fn(usize, T, T) -> (T, T),
    ) -> ([T; N], [T; N]) {
        let c = self.channels;
        let mut totals = ([T::ZERO; N], [T::ZERO; N]);
        for (a, b) in a.chunks(BLOCK * c).zip(b.chunks(BLOCK * c)) {
            let mut sums = ([T::ZERO; N], [T::ZERO; N]);
            for (a, b) in a.chunks_exact(c).zip(b.chunks_exact(c)) {
                let (a, b): (&[T; N], &[T; N]) = (block(a, at), block(b, at));
                for i in 0..N {
                    let (p, q) = f(i, a[i], b[i]);
                    sums.0[i] += p;
                    sums.1[i] += q;
                }
            }
            for i in 0..N {
                totals.0[i] += sums.0[i];
                totals.1[i] += sums.1[i];
            }
        }
        totals
    }
}

impl<T: Real> Kernel<T> for BatchNormKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn is_cheap(&self) -> bool {
        self.after.is_none_or(activation::is_cheap)
    }

    fn statistics(&self) -> Option<&dyn Statistics<T>> {
        self.training.then_some(self)
    }

    /// In inference: scale and shift, from the running statistics.
    fn prepared(&self) -> usize {
        if self.training { 0 } else { 2 * self.channels }
    }

    fn prepare(&self, params: &[&[T]], prepared: &mut [T]) {
        let (scale, shift) = prepared.split_at_mut(self.channels);
        for i in 0..self.channels {
            (scale[i], shift[i], _) = self.affine(i, params[2][i], params[3][i], params);
        }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, c) = (io.input(0), self.channels);
        let affine = if self.training { io.shared() } else { io.prepared() };
        with_curve!(self.after, F => T::vectorized(#[inline(always)] || {
            channel_blocks!(c, |at, N| {
                let (scale, shift): ([T; N], [T; N]) = (*block(affine, at), *block(affine, c + at));
                for (y, x) in io.output.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                    let (y, x): (&mut [T; N], &[T; N]) = (block_mut(y, at), block(x, at));
                    (0..N).for_each(|i| y[i] = F::value(x[i] * scale[i] + shift[i]));
                }
            })
        }));
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy, c, shared) = (io.input(0), io.grad_output(), self.channels, io.shared());
        let Some(dx) = io.grad_input(0) else { return };
        let adds = dx.accumulate;
        with_curve!(self.after, F => T::vectorized(#[inline(always)] || {
            channel_blocks!(c, |at, N| {
                let Some(k) = Shared::of(shared.chunks_exact(c).map(|row| *block::<T, N>(row, at))) else { return };
                let rows = dx.values.chunks_exact_mut(c).zip(dy.chunks_exact(c).zip(x.chunks_exact(c)));
                for (dx, (dy, x)) in rows {
                    let (dy, x): (&[T; N], &[T; N]) = (block(dy, at), block(x, at));
                    let dx: &mut [T; N] = block_mut(dx, at);
                    for i in 0..N {
                        let d = dy[i] * F::slope(x[i] * k.scale[i] + k.shift[i]);
                        let g = k.slope[i] * d + k.along[i] * x[i] + k.rest[i];
                        dx[i] = if adds { dx[i] + g } else { g };
                    }
                }
            })
        }));
    }
}

impl<T: Real> Statistics<T> for BatchNormKernel {
    fn record(&self) -> usize {
        2 * self.channels
    }

    fn shared(&self) -> usize {
        SHARED * self.channels
    }

    /// Mean, and sum of squared differences to it.
    fn measure(&self, x: &[T], record: &mut [T]) {
        let (means, squares) = record.split_at_mut(self.channels);
        let rows = T::of((x.len() / self.channels) as f64);
        T::vectorized(
            #[inline(always)]
            || {
                channel_blocks!(self.channels, |at, N| {
                    // Differences to the first row: no cancellation when the mean is far from zero.
                    let first: [T; N] = *block(x, at);
                    let (sum, square) = self.sums::<T, N>(x, x, at, |i, x, _| {
                        let d = x - first[i];
                        (d, d * d)
                    });
                    for i in 0..N {
                        let mean = sum[i] / rows;
                        means[at + i] = first[i] + mean;
                        squares[at + i] = (square[i] - sum[i] * mean).max(T::ZERO);
                    }
                })
            },
        );
    }

    /// Moments of parts put together (Chan, Golub and LeVeque 1983, equation 2.1b).
    fn finish(&self, records: Records<'_, T>, params: &[&[T]], shared: &mut [T]) {
        let c = self.channels;
        let [means, squares] = [2, 3]; // rows of `shared`: mean, and for now the squares in the place of the inverse
        shared[means * c..][..2 * c].fill(T::ZERO);
        let mut seen = T::ZERO;
        for (record, samples) in records {
            let rows = T::of((samples * self.positions) as f64);
            let all = seen + rows;
            for i in 0..c {
                let d = record[i] - shared[means * c + i];
                shared[means * c + i] += d * rows / all;
                shared[squares * c + i] += record[c + i] + d * d * seen * rows / all;
            }
            seen = all;
        }
        for i in 0..c {
            let (mean, variance) = (shared[means * c + i], shared[squares * c + i] / seen);
            (shared[i], shared[c + i], shared[squares * c + i]) = self.affine(i, mean, variance, params);
        }
    }

    /// Sums of the gradient `d` behind the activation, and of `d n`.
    fn measure_backward(&self, x: &[T], dy: &[T], shared: &[T], record: &mut [T]) {
        let c = self.channels;
        with_curve!(self.after, F => T::vectorized(#[inline(always)] || {
            channel_blocks!(c, |at, N| {
                let Some(k) = Shared::of(shared.chunks_exact(c).map(|row| *block::<T, N>(row, at))) else { return };
                let (sum, along) = self.sums::<T, N>(x, dy, at, |i, x, dy| {
                    let d = dy * F::slope(x * k.scale[i] + k.shift[i]);
                    (d, d * (x - k.mean[i]) * k.inverse[i])
                });
                record[at..at + N].copy_from_slice(&sum);
                record[c + at..c + at + N].copy_from_slice(&along);
            })
        }));
    }

    /// With `n = (x - mean) / std`: `dx = gamma / std (d - mean(d) - n mean(d n))` (Ioffe and Szegedy 2015, section 3).
    fn finish_backward(
        &self,
        records: Records<'_, T>,
        params: &[&[T]],
        shared: &mut [T],
        grads: &mut [&mut [T]],
    ) {
        let c = self.channels;
        let [dgamma, dbeta] = grads else { return };
        let mut rows = 0;
        for (record, samples) in records {
            rows += samples * self.positions;
            dbeta.iter_mut().zip(&record[..c]).for_each(|(total, &sum)| *total += sum);
            dgamma.iter_mut().zip(&record[c..]).for_each(|(total, &along)| *total += along);
        }
        let share = T::of(1.0 / rows as f64);
        for i in 0..c {
            let (mean, inverse) = (shared[2 * c + i], shared[3 * c + i]);
            let slope = params[0][i] * inverse;
            let along = -slope * inverse * dgamma[i] * share;
            shared[4 * c + i] = slope;
            shared[5 * c + i] = along;
            shared[6 * c + i] = -slope * dbeta[i] * share - along * mean;
        }
    }

    /// `running += momentum (batch - running)`, with the unbiased variance.
    fn update_buffers(&self, samples: usize, shared: &[T], buffers: &mut [&mut [T]]) {
        let [mean, variance] = buffers else { return };
        let (c, momentum) = (self.channels, T::of(self.norm.momentum));
        let rows = (samples * self.positions) as f64;
        let unbias = T::of(rows / (rows - 1.0).max(1.0));
        for i in 0..c {
            let (m, inverse) = (shared[2 * c + i], shared[3 * c + i]);
            let v = T::ONE / (inverse * inverse) - T::of(self.norm.eps);
            mean[i] += momentum * (m - mean[i]);
            variance[i] += momentum * (v.max(T::ZERO) * unbias - variance[i]);
        }
    }
}
