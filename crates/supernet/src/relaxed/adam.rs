//! The optimiser of the architecture.

use nasmyth_engine::{Moments, OptimizerKind};
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Adam {
    settings: AdamSettings,
    first: Vec<f64>,
    second: Vec<f64>,
    steps: u64,
}

impl Adam {
    /// Fresh, for so many numbers.
    pub fn new(settings: AdamSettings, len: usize) -> Self {
        Self { settings, first: vec![0.0; len], second: vec![0.0; len], steps: 0 }
    }

    /// Moves `values` against `gradient`.
    pub fn step(&mut self, values: &mut [f64], gradient: &[f64]) {
        let AdamSettings { rate, beta1, beta2, decay } = self.settings;
        self.steps += 1;
        let decayed: Vec<f64> = gradient.iter().zip(&*values).map(|(g, v)| g + decay * v).collect();
        let moments = Moments { first: &mut self.first, second: &mut self.second, steps: self.steps };
        OptimizerKind::AdamW { beta1, beta2 }.step(values, &decayed, moments, rate, 0.0);
    }
}
