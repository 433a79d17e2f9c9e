//! Mean of values, in training of some of them.

use super::io::Seeds;
use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Mean;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let drop = op.downcast::<Mean>()?.drop;
    let random = site.training && drop > 0.0;
    Some(Box::new(MeanKernel { drop, random, inputs: site.inputs.len(), sample: site.output.len() }))
}

/// For each sample what each of `inputs` values counts: 0 if it is left out, which it is with probability `drop`, or 1 divided by
/// the number of those that are not. One stays at least.
pub(crate) fn draw_shares<T: Real>(drop: f64, inputs: usize, seeds: Seeds, shares: &mut [T]) {
    for (i, shares) in shares.chunks_exact_mut(inputs).enumerate() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seeds.of(i));
        shares.iter_mut().for_each(|s| *s = if rng.random::<f64>() < drop { T::ZERO } else { T::ONE });
        if shares.iter().all(|&s| s == T::ZERO) {
            shares[rng.random_range(0..inputs)] = T::ONE;
        }
        let kept = shares.iter().fold(T::ZERO, |sum, &s| sum + s);
        shares.iter_mut().for_each(|s| *s = *s / kept);
    }
}

struct MeanKernel {
    drop: f64,
    /// Whether values are left out.
    random: bool,
    inputs: usize,
    /// Elements of a sample.
    sample: usize,
}

impl MeanKernel {
    /// What input `k` counts in each sample, given the shares that were drawn.
    fn shares<'s, T: Real>(&self, k: usize, saved: &'s [T]) -> impl Iterator<Item = T> + use<'s, T> {
        let equal = T::of(1.0 / self.inputs as f64);
        let drawn = saved.iter().skip(k).step_by(self.inputs).copied();
        let always = if self.random { 0 } else { usize::MAX };
        drawn.chain(std::iter::repeat_n(equal, always))
    }
}

impl<T: Real> Kernel<T> for MeanKernel {
    /// A share for each input.
    fn saved(&self) -> usize {
        if self.random { self.inputs } else { 0 }
    }

    fn forward(&self, io: Forward<'_, T>) {
        if self.random {
            draw_shares(self.drop, self.inputs, io.seeds(), io.saved);
        }
        io.output.fill(T::ZERO);
        for k in 0..self.inputs {
            let x = io.input(k).chunks_exact(self.sample);
            let samples = io.output.chunks_exact_mut(self.sample).zip(x);
            for ((y, x), share) in samples.zip(self.shares(k, io.saved)).filter(|(_, s)| *s != T::ZERO) {
                y.iter_mut().zip(x).for_each(|(y, &x)| *y += x * share);
            }
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (dy, saved) = (io.grad_output(), io.saved);
        for k in 0..self.inputs {
            if let Some(dx) = io.grad_input(k) {
                let samples = dy.chunks_exact(self.sample).zip(self.shares(k, saved));
                dx.put(samples.flat_map(|(dy, share)| dy.iter().map(move |&d| d * share)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_those_that_stay_and_one_stays() {
        let (samples, inputs, drop) = (4000, 3, 0.6);
        let mut shares = vec![0.0f64; samples * inputs];
        draw_shares(drop, inputs, Seeds { step: 1, node: 2, first: 0 }, &mut shares);
        let mut kept = vec![0; inputs + 1];
        for shares in shares.chunks_exact(inputs) {
            let count = shares.iter().filter(|&&s| s > 0.0).count();
            assert!(shares.iter().all(|&s| s == 0.0 || s == 1.0 / count as f64));
            kept[count] += 1;
        }
        assert_eq!(kept[0], 0);
        // All three stay in 0.4^3 of the samples; the standard deviation of 4000 draws is 15.5.
        assert!((kept[3] as f64 - 256.0).abs() < 70.0, "{kept:?}");
        // The one that stays where none would is any of them: each counts a third on average, within 0.006.
        let mean = |k: usize| shares.iter().skip(k).step_by(inputs).sum::<f64>() / samples as f64;
        assert!(
            (0..inputs).all(|k| (mean(k) - 1.0 / 3.0).abs() < 0.03),
            "{} {} {}",
            mean(0),
            mean(1),
            mean(2)
        );
    }
}
