//! The update rule of [`GraphNetwork`](crate::GraphNetwork).

use nasmyth_engine::ParamLayout;

/// Decays of the means of gradients and of their squares.
const BETAS: [f32; 2] = [0.9, 0.999];
/// Added to the root of the second moment.
const EPSILON: f32 = 1e-8;

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), and its memory.
pub(crate) struct AdamW {
    decay: f32,
    decayed: usize,
    moments: Vec<[f32; 2]>,
    /// The decays to the power of the steps made.
    powers: [f32; 2],
}

impl AdamW {
    /// Fresh, for the trained parameters of `layout`.
    pub fn new(layout: &ParamLayout, decay: f32) -> Self {
        let moments = vec![[0.0; 2]; layout.trained().len()];
        Self { decay, decayed: layout.decayed().len(), moments, powers: [1.0; 2] }
    }

    /// Moves the trained of `params` against `grads`.
    pub fn step(&mut self, params: &mut [f32], grads: &[f32], rate: f32) {
        self.powers = [self.powers[0] * BETAS[0], self.powers[1] * BETAS[1]];
        let share = self.powers.map(|power| 1.0 / (1.0 - power));
        for (i, ((p, [m, v]), &g)) in params.iter_mut().zip(&mut self.moments).zip(grads).enumerate() {
            *m += (1.0 - BETAS[0]) * (g - *m);
            *v += (1.0 - BETAS[1]) * (g * g - *v);
            let decay = if i < self.decayed { self.decay * *p } else { 0.0 };
            *p -= rate * (*m * share[0] / ((*v * share[1]).sqrt() + EPSILON) + decay);
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
