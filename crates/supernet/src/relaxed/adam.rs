//! The optimiser of the architecture.

use serde::{Deserialize, Serialize};

/// Adam (Kingma and Ba 2015, algorithm 1) with weight decay in the gradient, as searches use it for the few numbers of the
/// architecture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamSettings {
    /// Learning rate.
    pub rate: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Weight decay.
    pub decay: f64,
}

/// The rule and its memory.
#[derive(Clone, Debug)]
pub struct Adam {
    settings: AdamSettings,
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
}

impl Adam {
    /// Fresh, for so many numbers.
    pub fn new(settings: AdamSettings, len: usize) -> Self {
        Self { settings, first: vec![0.0; len], second: vec![0.0; len], steps: 0 }
    }

    /// Moves `values` against `gradient`.
    pub fn step(&mut self, values: &mut [f64], gradient: &[f64]) {
        /// Added to the root of the second moment.
        const EPSILON: f64 = 1e-8;
        let AdamSettings { rate, beta1, beta2, decay } = self.settings;
        self.steps = self.steps.saturating_add(1);
        let (share1, share2) = (1.0 - beta1.powi(self.steps), 1.0 - beta2.powi(self.steps));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((v, (m, s)), g) in values.iter_mut().zip(moments).zip(gradient) {
            let g = g + decay * *v;
            *m = beta1 * *m + (1.0 - beta1) * g;
            *s = beta2 * *s + (1.0 - beta2) * g * g;
            *v -= rate * (*m / share1) / ((*s / share2).sqrt() + EPSILON);
        }
    }
}
