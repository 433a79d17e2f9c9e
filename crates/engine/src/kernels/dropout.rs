//! Noise in training.

use super::io::Seeds;
use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::{ChannelDropout, DropPath, Dropout};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(super) fn lower_dropout<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let rate = op.downcast::<Dropout>()?.rate;
    Some(Box::new(DropKernel { rate, group: 1, groups: site.output.len(), training: site.training }))
}

pub(super) fn lower_channel_dropout<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let rate = op.downcast::<ChannelDropout>()?.rate;
    Some(Box::new(ChannelDropKernel {
        rate,
        channels: site.channels(),
        sample: site.output.len(),
        training: site.training,
    }))
}

pub(super) fn lower_drop_path<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let rate = op.downcast::<DropPath>()?.rate;
    Some(Box::new(DropKernel { rate, group: site.output.len(), groups: 1, training: site.training }))
}

/// For each of the `groups` that live or die together of each sample 0, with probability `rate`, or `1 / (1 - rate)`.
pub(crate) fn draw_factors<T: Real>(rate: f64, groups: usize, seeds: Seeds, factors: &mut [T]) {
    let kept = T::of(1.0 / (1.0 - rate));
    for (i, factors) in factors.chunks_exact_mut(groups).enumerate() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seeds.of(i));
        factors.iter_mut().for_each(|f| *f = if rng.random::<f64>() < rate { T::ZERO } else { kept });
    }
}

/// Groups of `group` elements live or die together; a sample has `groups`.
struct DropKernel {
    rate: f64,
    group: usize,
    groups: usize,
    training: bool,
}

impl<T: Real> Kernel<T> for DropKernel {
    /// A factor for each group: 0 or `1 / (1 - rate)`.
    fn saved(&self) -> usize {
        self.groups
    }

    fn forward(&self, io: Forward<'_, T>) {
        let x = io.input(0);
        if !self.training {
            return io.output.copy_from_slice(x);
        }
        draw_factors(self.rate, self.groups, io.seeds(), io.saved);
        let groups = io.output.chunks_exact_mut(self.group).zip(x.chunks_exact(self.group)).zip(&*io.saved);
        groups.for_each(|((y, x), &f)| y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * f));
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (dy, factors) = (io.grad_output(), io.saved);
        let Some(dx) = io.grad_input(0) else { return };
        dx.put(
            dy.chunks_exact(self.group).zip(factors).flat_map(|(row, &f)| row.iter().map(move |&d| d * f)),
        );
    }
}

/// The elements of a channel live or die together.
struct ChannelDropKernel {
    rate: f64,
    channels: usize,
    /// Elements of a sample.
    sample: usize,
    training: bool,
}

impl<T: Real> Kernel<T> for ChannelDropKernel {
    /// A factor for each channel: 0 or `1 / (1 - rate)`.
    fn saved(&self) -> usize {
        self.channels
    }

    fn forward(&self, io: Forward<'_, T>) {
        let x = io.input(0);
        if !self.training {
            return io.output.copy_from_slice(x);
        }
        draw_factors(self.rate, self.channels, io.seeds(), io.saved);
        let samples = io.output.chunks_exact_mut(self.sample).zip(x.chunks_exact(self.sample));
        for ((y, x), factors) in samples.zip(io.saved.chunks_exact(self.channels)) {
            for (y, x) in y.chunks_exact_mut(self.channels).zip(x.chunks_exact(self.channels)) {
                y.iter_mut().zip(x.iter().zip(factors)).for_each(|(y, (&x, &f))| *y = x * f);
            }
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (dy, factors) = (io.grad_output(), io.saved.chunks_exact(self.channels));
        let Some(dx) = io.grad_input(0) else { return };
        let rows = dy.chunks_exact(self.sample).zip(factors).flat_map(|(dy, factors)| {
            dy.chunks_exact(self.channels).flat_map(move |row| row.iter().zip(factors))
        });
        dx.put(rows.map(|(&d, &f)| d * f));
    }
}
