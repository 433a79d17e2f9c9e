//! The update rule of [`GraphNetwork`](crate::GraphNetwork).

use nasmyth_engine::{ParamLayout, vectorized};

/// Decays of the means of gradients and of their squares.
const BETAS: [f32; 2] = [0.9, 0.999];
/// Added to the root of the second moment.
const EPSILON: f32 = 1e-8;

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), and its memory.
pub(crate) struct AdamW {
    decay: f32,
    decayed: usize,
    first: Vec<f32>,
    second: Vec<f32>,
    /// The decays to the power of the steps made.
    powers: [f32; 2],
}

impl AdamW {
    /// Fresh, for the trained parameters of `layout`.
    pub fn new(layout: &ParamLayout, decay: f32) -> Self {
        let zeros = vec![0.0; layout.trained().len()];
        let (first, second) = (zeros.clone(), zeros);
        Self { decay, decayed: layout.decayed().len(), first, second, powers: [1.0; 2] }
    }

    /// Moves the trained of `params` against `grads`.
    pub fn step(&mut self, params: &mut [f32], grads: &[f32], rate: f32) {
        self.powers = [self.powers[0] * BETAS[0], self.powers[1] * BETAS[1]];
        let share = self.powers.map(|power| 1.0 / (1.0 - power));
        let trained = self.first.len();
        for (range, decay) in [(0..self.decayed, self.decay), (self.decayed..trained, 0.0)] {
            let (first, second) = (&mut self.first[range.clone()], &mut self.second[range.clone()]);
            let (params, grads) = (&mut params[range.clone()], &grads[range]);
            vectorized(
                #[inline(always)]
                || {
                    for (((p, m), v), &g) in params.iter_mut().zip(first).zip(second).zip(grads) {
                        *m += (1.0 - BETAS[0]) * (g - *m);
                        *v += (1.0 - BETAS[1]) * (g * g - *v);
                        *p -= rate * (*m * share[0] / ((*v * share[1]).sqrt() + EPSILON) + decay * *p);
                    }
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_graph::parse;

    /// As torch.optim.AdamW with weight decay 0.1 on the first parameter only, on the sum of squares.
    #[test]
    fn three_steps_are_those_of_pytorch() {
        let graph = parse("graph g\nx = input(shape=[1])\ny = linear(x, out=1)\noutput y\n").unwrap();
        let mut rule = AdamW::new(&ParamLayout::of(&graph), 0.1);
        let mut params = [1.0, -2.0];
        for _ in 0..3 {
            let grads = params.map(|p| 2.0 * p);
            rule.step(&mut params, &grads, 0.1);
        }
        assert!(
            (params[0] - 0.675_101_2).abs() < 1e-5 && (params[1] + 1.700_623_4).abs() < 1e-5,
            "{params:?}"
        );
    }
}
