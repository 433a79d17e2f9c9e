//! A recipe is data: everything that training depends on besides network, data and length.

use crate::OptimizerKind;
use nasmyth_data::{Augment, Features};
use serde::{Deserialize, Serialize};

/// How to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Update rule.
    pub optimizer: OptimizerKind,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Decoupled weight decay for AdamW, added to the gradient for SGD; not on biases and scales.
    pub weight_decay: f64,
    /// Share of the steps over which the learning rate rises.
    pub warmup: f64,
    /// Samples of one step.
    pub batch: usize,
    /// Parts that a batch is split into for threads: as many may compute a step together. The order of its sums, and so the last
    /// bits of the result, depend on the parts, but not on the threads. A GPU takes a batch in one
    /// part whatever this says.
    pub parts: usize,
    /// Decay of the moving average of the weights that is evaluated and exported; 0 for none.
    pub ema: f64,
    /// Largest norm of the gradient; 0 for none.
    pub clip: f64,
    /// Random changes to the samples.
    pub augment: Augment,
}

impl Recipe {
    /// What has worked for data of this kind and number of training samples.
    pub fn for_data(features: &Features, samples: usize) -> Self {
        let base = Self {
            optimizer: OptimizerKind::adamw(),
            learning_rate: 3e-3,
            weight_decay: 0.02,
            warmup: 0.1,
            batch: 128,
            parts: 2,
            ema: 0.995,
            clip: 5.0,
            augment: Augment::default(),
        };
        let recipe = match features {
            // Small batches: more steps for the same work. No crops or flips: runs of minutes see each image a dozen times, too
            // seldom to learn them by heart, and a mirrored digit or letter is another one.
            Features::Image { .. } => {
                Self { batch: 32, augment: Augment { label_smoothing: 0.05, ..Augment::default() }, ..base }
            }
            Features::Series { steps, .. } => Self {
                batch: 64,
                augment: Augment {
                    crop: Some((steps / 20).max(1)),
                    label_smoothing: 0.05,
                    ..Augment::default()
                },
                ..base
            },
            Features::Table { .. } => Self { batch: 256, learning_rate: 2e-3, ..base },
        };
        recipe.fitted(samples)
    }

    /// With a batch of at most a quarter of the data, so that an epoch has a few steps, and no more parts than samples.
    pub fn fitted(mut self, samples: usize) -> Self {
        /// Fewest samples that batch normalisation can learn from.
        const SMALLEST: usize = 8;
        self.batch = self.batch.min((samples / 4).max(SMALLEST)).max(1);
        self.parts = self.parts.clamp(1, self.batch);
        self
    }

    /// What is wrong with the numbers, if anything.
    pub fn problem(&self) -> Option<String> {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let share = |v: f64| (0.0..1.0).contains(&v);
        let decays = match self.optimizer {
            OptimizerKind::Sgd { momentum } => share(momentum),
            OptimizerKind::AdamW { beta1, beta2 } => share(beta1) && share(beta2),
        };
        let mixup = self.augment.mixup.is_none_or(|a| a.is_finite() && a > 0.0);
        let checks = [
            (positive(self.learning_rate), "learning_rate must be above 0"),
            (self.weight_decay.is_finite() && self.weight_decay >= 0.0, "weight_decay must be at least 0"),
            ((0.0..1.0).contains(&self.warmup), "warmup must be a share in 0..1"),
            ((0.0..1.0).contains(&self.ema), "ema must be in 0..1"),
            (self.clip.is_finite() && self.clip >= 0.0, "clip must be at least 0"),
            ((1..=1 << 16).contains(&self.batch), "batch must be in 1..=65536"),
            ((1..=self.batch).contains(&self.parts), "parts must be in 1..=batch"),
            (decays, "optimizer: momentum, beta1 and beta2 must be in 0..1"),
            (mixup, "augment.mixup must be above 0"),
            ((0.0..1.0).contains(&self.augment.label_smoothing), "augment.label_smoothing must be in 0..1"),
        ];
        checks.iter().find(|(ok, _)| !ok).map(|(_, message)| format!("recipe: {message}"))
    }
}
