//! Batch normalisation, with the activation that follows it.

use super::activation::{self, Curve, with_curve};
use super::blocks::{block, block_mut, channel_blocks, from_fn};
use super::statistics::{Records, Statistics};
use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::{BatchNorm, Function};

/// Rows whose sums are taken one block of channels after the other: they stay in the first-level cache. Their sum is added to the
/// total at once: short sums round less.
const TILE: usize = 32;

/// Elements that are normalised one block of channels after the other: few, so that memory is read and written in order.
const STRIP: usize = 512;

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

impl Shared<()> {
    /// Those of `N` of `channels` channels, from `at` on.
    #[inline(always)]
    fn blocks<T: Real, const N: usize>(shared: &[T], channels: usize, at: usize) -> Option<Shared<[T; N]>> {
        let mut rows = shared.chunks_exact(channels).map(|row| *block(row, at));
        Some(Shared {
            scale: rows.next()?,
            shift: rows.next()?,
            mean: rows.next()?,
            inverse: rows.next()?,
            slope: rows.next()?,
            along: rows.next()?,
            rest: rows.next()?,
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

    /// [`STRIP`] in whole rows.
    fn strip(&self) -> usize {
        (STRIP / self.channels).max(1) * self.channels
    }

    /// Adds to two sums for each of `N` channels from `at` on the terms of a tile of rows; `f` gives them from channel, a and b.
    #[inline(always)]
    fn add_tile<T: Real, const N: usize>(
        &self,
        a: &[T],
        b: &[T],
        at: usize,
        totals: &mut [T],
        f: impl Fn(usize, T, T) -> (T, T),
    ) {
        let c = self.channels;
        let mut sums = ([T::ZERO; N], [T::ZERO; N]);
        for (a, b) in a.chunks_exact(c).zip(b.chunks_exact(c)) {
            let (a, b): ([T; N], [T; N]) = (*block(a, at), *block(b, at));
            for i in 0..N {
                let (p, q) = f(i, a[i], b[i]);
                sums.0[i] += p;
                sums.1[i] += q;
            }
        }
        let (first, second) = totals.split_at_mut(c);
        for i in 0..N {
            first[at + i] += sums.0[i];
            second[at + i] += sums.1[i];
        }
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
            let strip = self.strip();
            for (y, x) in io.output.chunks_mut(strip).zip(x.chunks(strip)) {
                channel_blocks!(c, |at, N| {
                    let (scale, shift): ([T; N], [T; N]) = (*block(affine, at), *block(affine, c + at));
                    for (y, x) in y.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                        let x: [T; N] = *block(x, at);
                        *block_mut(y, at) = from_fn::<T, N>(|i| F::value(x[i] * scale[i] + shift[i]));
                    }
                })
            }
        }));
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy, c, shared) = (io.input(0), io.grad_output(), self.channels, io.shared());
        let Some(dx) = io.grad_input(0) else { return };
        let adds = dx.accumulate;
        with_curve!(self.after, F => T::vectorized(#[inline(always)] || {
            let strip = self.strip();
            let strips = dx.values.chunks_mut(strip).zip(dy.chunks(strip).zip(x.chunks(strip)));
            for (dx, (dy, x)) in strips {
                channel_blocks!(c, |at, N| {
                    let Some(k) = Shared::blocks::<T, N>(shared, c, at) else { return };
                    let rows = dx.chunks_exact_mut(c).zip(dy.chunks_exact(c).zip(x.chunks_exact(c)));
                    for (dx, (dy, x)) in rows {
                        let (dy, x): ([T; N], [T; N]) = (*block(dy, at), *block(x, at));
                        let dx: &mut [T; N] = block_mut(dx, at);
                        let g = from_fn::<T, N>(|i| {
                            let d = dy[i] * F::slope(x[i] * k.scale[i] + k.shift[i]);
                            k.slope[i] * d + (k.along[i] * x[i] + k.rest[i])
                        });
                        *dx = if adds { from_fn(|i| dx[i] + g[i]) } else { g };
                    }
                })
            }
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
        let c = self.channels;
        let rows = T::of((x.len() / c) as f64);
        record.fill(T::ZERO);
        T::vectorized(
            #[inline(always)]
            || {
                for tile in x.chunks(TILE * c) {
                    channel_blocks!(c, |at, N| {
                        // Differences to the first row: no cancellation when the mean is far from zero.
                        let first: [T; N] = *block(x, at);
                        self.add_tile::<T, N>(tile, tile, at, record, |i, x, _| {
                            let d = x - first[i];
                            (d, d * d)
                        });
                    })
                }
            },
        );
        let (means, squares) = record.split_at_mut(c);
        for i in 0..c {
            let mean = means[i] / rows;
            squares[i] = (squares[i] - means[i] * mean).max(T::ZERO);
            means[i] = x[i] + mean;
        }
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
        record.fill(T::ZERO);
        with_curve!(self.after, F => T::vectorized(#[inline(always)] || {
            for (x, dy) in x.chunks(TILE * c).zip(dy.chunks(TILE * c)) {
                channel_blocks!(c, |at, N| {
                    let Some(k) = Shared::blocks::<T, N>(shared, c, at) else { return };
                    self.add_tile::<T, N>(x, dy, at, record, |i, x, dy| {
                        let d = dy * F::slope(x * k.scale[i] + k.shift[i]);
                        (d, d * (x - k.mean[i]) * k.inverse[i])
                    });
                })
            }
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
