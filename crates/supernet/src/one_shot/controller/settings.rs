//! How a controller learns, as data.

use crate::one_shot::OneShotError;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// What hard limits are to a controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitRule {
    /// No network that breaks them is sampled: it is drawn again at once, and the gradient is that of the log-probability among those that
    /// keep them (Yang et al. 2022, algorithm 1).
    #[default]
    Reject,
    /// Networks are to cost what the limits allow, no more and no less: the reward is `Q - penalty |T / T0 - 1|` (Bender et al. 2020,
    /// equation 1), where T / T0 is the largest cost in units of its limit. Networks that break them are sampled too.
    Target,
}

/// A policy that samples sub-networks in place of uniform sampling, and learns from how good they are on validation batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControllerPlan {
    /// What hard limits are to it.
    pub limits: LimitRule,
    /// Weight of the distance from the limits, in units of the validation accuracy, with `limits = "target"`.
    pub penalty: f64,
    /// Genotypes drawn in each step to estimate the gradient of the share that keeps the limits, with `limits = "reject"`.
    pub draws: usize,
    /// Share of the training before the policy learns, at most 0.99; it is uniform until then.
    pub warmup: f64,
    /// How far a logit would move over the training if each step's advantage were one standard deviation for it: the sum of the learning
    /// rates of all steps.
    pub reach: f64,
    /// What the running mean and variance of rewards keep of themselves in a step, at most 0.9999.
    pub momentum: f64,
    /// Factors of the recipe's learning rate that are a choice of the policy; none if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learning_rates: Vec<f64>,
    /// Factors of the recipe's weight decay that are a choice of the policy; none if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weight_decays: Vec<f64>,
}

impl Default for ControllerPlan {
    fn default() -> Self {
        Self {
            limits: LimitRule::default(),
            penalty: 0.3,
            draws: 16,
            warmup: 0.25,
            reach: 60.0,
            momentum: 0.95,
            learning_rates: Vec::new(),
            weight_decays: Vec::new(),
        }
    }
}

impl ControllerPlan {
    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// The first that does not.
    pub(crate) fn check(&self) -> Result<(), OneShotError> {
        /// Beyond this a softmax in double precision has forgotten the other options.
        const FARTHEST: f64 = 1e4;
        /// Options of a choice of the recipe.
        const MOST: usize = 64;
        within("controller.penalty", self.penalty, 0.0..=FARTHEST)?;
        within("controller.draws", self.draws as f64, 1.0..=f64::from(1 << 16))?;
        within("controller.warmup", self.warmup, 0.0..=0.99)?;
        within("controller.reach", self.reach, 0.0..=FARTHEST)?;
        within("controller.momentum", self.momentum, 0.0..=0.9999)?;
        let lists = [
            ("controller.learning_rates", &self.learning_rates),
            ("controller.weight_decays", &self.weight_decays),
        ];
        for (at, factors) in lists {
            within(at, factors.len() as f64, 0.0..=MOST as f64)?;
            factors.iter().try_for_each(|factor| within(at, *factor, 0.0..=FARTHEST))?;
        }
        Ok(())
    }
}

fn within(at: &'static str, got: f64, range: RangeInclusive<f64>) -> Result<(), OneShotError> {
    if range.contains(&got) {
        return Ok(());
    }
    let expected = format!("{} to {}", range.start(), range.end());
    Err(OneShotError::Setting { at, expected, got: got.to_string() })
}
