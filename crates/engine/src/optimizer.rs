//! Update rules, over all parameters at once.

use crate::{Crew, ParamLayout, Real};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Which rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerKind {
    /// Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013, in the form of PyTorch).
    Sgd {
        /// Share of the old direction that is kept.
        momentum: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).
    AdamW {
        /// Decay of the mean of gradients.
        beta1: f64,
        /// Decay of the mean of squared gradients.
        beta2: f64,
    },
}

impl OptimizerKind {
    /// AdamW with its usual decays.
    pub fn adamw() -> Self {
        Self::AdamW { beta1: 0.9, beta2: 0.999 }
    }
}

/// What a rule remembers of some parameters.
pub struct Moments<'m, T> {
    /// Mean of gradients, or momentum.
    pub first: &'m mut [T],
    /// Mean of squared gradients; empty for [`OptimizerKind::Sgd`].
    pub second: &'m mut [T],
    /// Steps so far, this one included.
    pub steps: u64,
}

impl OptimizerKind {
    /// Numbers remembered for each parameter.
    pub fn moments(self) -> usize {
        match self {
            Self::Sgd { .. } => 1,
            Self::AdamW { .. } => 2,
        }
    }

    /// One step of `params` against `grads`, all with the same weight decay.
    pub fn step<T: Real>(
        self,
        params: &mut [T],
        grads: &[T],
        moments: Moments<'_, T>,
        rate: f64,
        decay: f64,
    ) {
        let (rate, decay) = (T::of(rate), T::of(decay));
        let Moments { first, second, steps } = moments;
        match self {
            Self::Sgd { momentum } => {
                let momentum = T::of(momentum);
                T::vectorized(
                    #[inline(always)]
                    || {
                        for ((p, m), &g) in params.iter_mut().zip(first).zip(grads) {
                            let g = g + decay * *p;
                            *m = momentum * *m + g;
                            *p -= rate * (g + momentum * *m);
                        }
                    },
                );
            }
            Self::AdamW { beta1, beta2 } => {
                let steps = steps.min(i32::MAX as u64) as i32;
                let first_share = T::of(1.0 / (1.0 - beta1.powi(steps)));
                let second_share = T::of(1.0 / (1.0 - beta2.powi(steps)));
                // The complements are rounded, not taken of rounded decays: 1 - 0.999 would be right to five digits only.
                let (new1, new2) = (T::of(1.0 - beta1), T::of(1.0 - beta2));
                let (beta1, beta2) = (T::of(beta1), T::of(beta2));
                let (epsilon, moments) = (T::of(EPSILON), first.iter_mut().zip(second));
                T::vectorized(
                    #[inline(always)]
                    || {
                        for ((p, (m, v)), &g) in params.iter_mut().zip(moments).zip(grads) {
                            *m = beta1 * *m + new1 * g;
                            *v = beta2 * *v + new2 * g * g;
                            let direction = *m * first_share / ((*v * second_share).sqrt() + epsilon);
                            *p -= rate * (direction + decay * *p);
                        }
                    },
                );
            }
        }
    }
}

/// Added to the root of Adam's second moment.
const EPSILON: f64 = 1e-8;

/// Scales a gradient down to the Euclidean norm `most` if its own is larger; 0 scales nothing.
pub fn clip<T: Real>(grads: &mut [T], most: f64) {
    if most <= 0.0 {
        return;
    }
    let norm = sum_of_squares(grads).sqrt();
    if norm > most {
        let factor = T::of(most / norm);
        grads.iter_mut().for_each(|g| *g = *g * factor);
    }
}

/// The square of the Euclidean norm.
pub fn sum_of_squares<T: Real>(values: &[T]) -> f64 {
    /// Sums that are added to in turn: one would wait for itself.
    const SUMS: usize = 16;
    let square = |v: &T| v.f64() * v.f64();
    let (rows, rest) = values.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    T::vectorized(
        #[inline(always)]
        || rows.iter().for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += square(v))),
    );
    sums.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()
}

/// A rule and its memory.
#[derive(Clone, Debug)]
pub struct Optimizer<T = f32> {
    kind: OptimizerKind,
    decayed: usize,
    first: Vec<T>,
    second: Vec<T>,
    steps: u64,
}

impl<T: Real> Optimizer<T> {
    /// Fresh, for the trained parameters of `layout`.
    pub fn new(kind: OptimizerKind, layout: &ParamLayout) -> Self {
        Self { decayed: layout.decayed().len(), ..Self::of(kind, layout.trained().len()) }
    }

    /// Fresh, for so many numbers, all of which decay.
    pub fn of(kind: OptimizerKind, len: usize) -> Self {
        let second = if kind.moments() == 2 { len } else { 0 };
        Self { kind, decayed: len, first: vec![T::ZERO; len], second: vec![T::ZERO; second], steps: 0 }
    }

    /// Moves `params` (the trained ones, or longer) against `grads`.
    pub fn step(&mut self, params: &mut [T], grads: &[T], rate: f64, weight_decay: f64) {
        self.step_with(&mut Crew::alone(), params, grads, rate, weight_decay);
    }

    /// [`step`](Self::step) on the threads of a crew, with the same result.
    pub fn step_with(
        &mut self,
        crew: &mut Crew,
        params: &mut [T],
        grads: &[T],
        rate: f64,
        weight_decay: f64,
    ) {
        self.steps += 1;
        let len = params.len().min(grads.len());
        let (kind, decayed, steps) = (self.kind, self.decayed, self.steps);
        let (params, first) = (&mut params[..len], &mut self.first[..len]);
        // A thread's share lies on both sides of where decay ends.
        let step = |own: Range<usize>, params: &mut [T], first: &mut [T], second: &mut [T]| {
            let at = decayed.clamp(own.start, own.end) - own.start;
            let (grads, params) = (grads[own].split_at(at), params.split_at_mut(at));
            let (first, second) = (first.split_at_mut(at), second.split_at_mut(at.min(second.len())));
            let moments = |first, second| Moments { first, second, steps };
            kind.step(params.0, grads.0, moments(first.0, second.0), rate, weight_decay);
            kind.step(params.1, grads.1, moments(first.1, second.1), rate, 0.0);
        };
        if self.second.is_empty() {
            crew.share([params, first], |own, [params, first]| step(own, params, first, &mut []));
        } else {
            let values = [params, first, &mut self.second[..len]];
            crew.share(values, |own, [params, first, second]| step(own, params, first, second));
        }
    }

    /// Memory and number of steps, to be kept in a checkpoint.
    pub fn state(&self) -> (&[T], &[T], u64) {
        (&self.first, &self.second, self.steps)
    }

    /// The reverse of [`state`](Self::state); `false` if the lengths do not fit.
    pub fn restore(&mut self, first: Vec<T>, second: Vec<T>, steps: u64) -> bool {
        let fits = first.len() == self.first.len() && second.len() == self.second.len();
        if fits {
            (self.first, self.second, self.steps) = (first, second, steps);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_graph::{Graph, ops::Linear};

    fn run(kind: OptimizerKind, decay: f64) -> Vec<f32> {
        let mut g = Graph::new("g");
        let x = g.input(&[1]).unwrap();
        let y = g.push(Linear::new(1), &[x]).unwrap();
        g.output(y);
        let layout = ParamLayout::of(&g.verify().unwrap());
        let mut optimizer = Optimizer::new(kind, &layout);
        let mut params = vec![1.0, -2.0];
        for _ in 0..3 {
            let grads: Vec<f32> = params.iter().map(|p| 2.0 * p).collect(); // of p^2
            optimizer.step(&mut params, &grads, 0.1, decay);
        }
        params
    }

    /// Values from torch.optim.SGD(nesterov=True) and torch.optim.AdamW on the same quadratic, weight decay on the first only.
    #[test]
    fn three_steps_are_those_of_pytorch() {
        let near = |got: Vec<f32>, expected: [f32; 2]| {
            assert!(
                got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-5),
                "{got:?} against {expected:?}"
            );
        };
        near(run(OptimizerKind::Sgd { momentum: 0.9 }, 0.1), SGD_GOLDEN);
        near(run(OptimizerKind::adamw(), 0.1), ADAMW_GOLDEN);
        let (mut rule, mut params) = (Optimizer::<f64>::of(OptimizerKind::adamw(), 1), [1.0]);
        for _ in 0..3 {
            let grads = [2.0 * params[0]];
            rule.step(&mut params, &grads, 0.1, 0.1);
        }
        assert!((params[0] - f64::from(ADAMW_GOLDEN[0])).abs() < 1e-6);
    }

    #[test]
    fn long_gradients_are_shortened_to_the_limit() {
        for len in [1usize, 16, 37] {
            let grads: Vec<f64> = (0..len).map(|i| (i as f64).sin() + 1.5).collect();
            let norm = |g: &[f64]| g.iter().map(|g| g * g).sum::<f64>().sqrt();
            let (mut short, mut same, mut off) = (grads.clone(), grads.clone(), grads.clone());
            clip(&mut short, 0.5);
            clip(&mut same, 2.0 * norm(&grads));
            clip(&mut off, 0.0);
            assert!((norm(&short) - 0.5).abs() < 1e-12 && same == grads && off == grads);
            assert!(short.iter().zip(&grads).all(|(s, g)| (s / g - short[0] / grads[0]).abs() < 1e-12));
        }
    }

    #[test]
    fn threads_change_nothing() {
        let mut g = Graph::new("g");
        let x = g.input(&[7]).unwrap();
        let y = g.push(Linear::new(9), &[x]).unwrap();
        g.output(y);
        let layout = ParamLayout::of(&g.verify().unwrap()); // 63 weights, 9 biases
        for kind in [OptimizerKind::Sgd { momentum: 0.9 }, OptimizerKind::adamw()] {
            let moved = |threads: usize| {
                let (mut optimizer, mut crew) = (Optimizer::new(kind, &layout), Crew::new(threads));
                let mut params: Vec<f32> = (0..layout.len()).map(|i| i as f32 / 50.0 - 0.5).collect();
                for _ in 0..3 {
                    let grads: Vec<f32> = params.iter().map(|p| p * p).collect();
                    optimizer.step_with(&mut crew, &mut params, &grads, 0.1, 0.2);
                }
                params
            };
            let alone = moved(1);
            assert!([2, 3, 8].into_iter().all(|threads| moved(threads) == alone), "{kind:?}");
        }
    }

    const SGD_GOLDEN: [f32; 2] = [-0.140_468_4, 0.216_704];
    const ADAMW_GOLDEN: [f32; 2] = [0.675_101_2, -1.700_623_4];
}
