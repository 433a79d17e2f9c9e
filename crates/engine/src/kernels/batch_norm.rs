//! Batch normalisation.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::{Real, vectorized};
use nasmyth_graph::Op;
use nasmyth_graph::ops::BatchNorm;

/// Rows summed before the sum is added to the total: short sums round less.
const BLOCK: usize = 256;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let norm = op.downcast::<BatchNorm>()?.clone();
    Some(Box::new(BatchNormKernel { norm, rows: site.rows(), channels: site.channels() }))
}

struct BatchNormKernel {
    norm: BatchNorm,
    rows: usize,
    channels: usize,
}

impl BatchNormKernel {
    /// Two sums per channel over all rows of `a` and `b`; `f` gives the terms from channel, a, b.
    #[inline(always)]
    fn sums<T: Real>(
        &self,
        a: &[T],
        b: &[T],
        totals: &mut [T],
        partial: &mut [T],
        f: impl Fn(usize, T, T) -> (T, T),
    ) {
        let c = self.channels;
        totals.fill(T::ZERO);
        let blocks = a.chunks(BLOCK * c).zip(b.chunks(BLOCK * c));
        for (a, b) in blocks {
            partial.fill(T::ZERO);
            let (first, second) = partial.split_at_mut(c);
            for (a, b) in a.chunks_exact(c).zip(b.chunks_exact(c)) {
                for i in 0..c {
                    let (p, q) = f(i, a[i], b[i]);
                    first[i] += p;
                    second[i] += q;
                }
            }
            totals.iter_mut().zip(&*partial).for_each(|(t, &p)| *t += p);
        }
    }

    fn eps<T: Real>(&self) -> T {
        T::of(self.norm.eps)
    }
}

impl<T: Real> Kernel<T> for BatchNormKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    /// Mean, then `1 / sqrt(var + eps)`, of the batch.
    fn saved(&self) -> usize {
        2 * self.channels
    }

    fn scratch(&self) -> usize {
        4 * self.channels
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, c) = (io.input(0), self.channels);
        let (gamma, beta, running) = (io.param(0), io.param(1), (io.param(2), io.param(3)));
        let Forward { output, saved, scratch, train, .. } = io;
        let (totals, partial) = scratch.split_at_mut(2 * c);
        vectorized(|| {
            if train {
                // Sums of differences to the first row: no cancellation when the mean is far from zero.
                let shift = &x[..c];
                self.sums(x, x, totals, partial, |i, x, _| ((x - shift[i]), (x - shift[i]) * (x - shift[i])));
                let share = T::of(1.0 / self.rows as f64);
                for i in 0..c {
                    let mean = totals[i] * share;
                    let variance = (totals[c + i] * share - mean * mean).max(T::ZERO);
                    saved[i] = shift[i] + mean;
                    saved[c + i] = T::ONE / (variance + self.eps()).sqrt();
                }
            }
            let (scale, shift) = totals.split_at_mut(c);
            for i in 0..c {
                let (mean, inverse) = if train {
                    (saved[i], saved[c + i])
                } else {
                    (running.0[i], T::ONE / (running.1[i] + self.eps()).sqrt())
                };
                scale[i] = gamma[i] * inverse;
                shift[i] = beta[i] - mean * scale[i];
            }
            for (y, x) in output.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                for i in 0..c {
                    y[i] = x[i] * scale[i] + shift[i];
                }
            }
        });
    }

    /// With `n = (x - mean) / std`: `dx = gamma / std (dy - mean(dy) - n mean(dy n))` (Ioffe and Szegedy 2015, section 3).
    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy, c) = (io.input(0), io.grad_output(), self.channels);
        let gamma = io.param(0);
        let (mean, inverse) = io.saved.split_at(c);
        let (totals, partial) = std::mem::take(&mut io.scratch).split_at_mut(2 * c);
        let (dgamma, dbeta) = (io.take_grad_param(0), io.take_grad_param(1));
        let dx = io.grad_input(0);
        vectorized(|| {
            self.sums(x, dy, totals, partial, |i, x, d| (d, d * (x - mean[i]) * inverse[i]));
            dbeta.copy_from_slice(&totals[..c]);
            dgamma.copy_from_slice(&totals[c..]);
            let Some(dx) = dx else { return };
            // dx = a dy + b x + s, per channel.
            let share = T::of(1.0 / self.rows as f64);
            let (a, rest) = partial.split_at_mut(c);
            for i in 0..c {
                a[i] = gamma[i] * inverse[i];
                let slope = -a[i] * inverse[i] * dgamma[i] * share;
                totals[c + i] = slope;
                rest[i] = -a[i] * dbeta[i] * share - slope * mean[i];
            }
            let (b, s) = (&totals[c..], &*rest);
            let accumulate = dx.accumulate;
            let rows = dx.values.chunks_exact_mut(c).zip(dy.chunks_exact(c).zip(x.chunks_exact(c)));
            for (dx, (dy, x)) in rows {
                for i in 0..c {
                    let g = a[i] * dy[i] + b[i] * x[i] + s[i];
                    dx[i] = if accumulate { dx[i] + g } else { g };
                }
            }
        });
    }

    /// `running += momentum (batch - running)`, with the unbiased variance; several shards count as the mean of theirs.
    fn update_buffers(&self, saved: &[&[T]], buffers: &mut [&mut [T]]) {
        let [mean, variance] = buffers else { return };
        let (c, momentum) = (self.channels, T::of(self.norm.momentum));
        let share = T::of(1.0 / saved.len() as f64);
        let unbias = T::of(self.rows as f64 / (self.rows as f64 - 1.0).max(1.0));
        for i in 0..c {
            let (mut m, mut v) = (T::ZERO, T::ZERO);
            for saved in saved {
                m += saved[i] * share;
                v += (T::ONE / (saved[c + i] * saved[c + i]) - self.eps()) * share;
            }
            mean[i] += momentum * (m - mean[i]);
            variance[i] += momentum * (v.max(T::ZERO) * unbias - variance[i]);
        }
    }
}
