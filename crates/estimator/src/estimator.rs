//! The trait, what it is asked and what it answers.

use crate::StopFlag;
use nasmyth_graph::VerifiedGraph;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// How much effort an estimate may take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// Step of the ladder, from 0. Values at one rung are comparable.
    pub rung: u32,
    /// Epochs of training when this rung is done, those of lower rungs included.
    pub epochs: f64,
}

/// One network to estimate.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Number of the trial.
    pub trial: u64,
    /// The network.
    pub arch: &'a VerifiedGraph,
    /// What it was made of: one word that its space reads.
    pub genotype: &'a str,
    /// Its canonical hash: the identity under which checkpoints are kept.
    pub hash: u128,
    /// How far to go.
    pub fidelity: Fidelity,
    /// The rung whose checkpoint may be continued from.
    pub previous: Option<Fidelity>,
    /// Randomness of this network: a function of the study's seed and `hash` only.
    pub seed: u64,
    /// Raised when the answer is no longer wanted.
    pub stop: &'a StopFlag,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What the search maximises; finite.
    pub value: f64,
    /// Anything else worth keeping.
    pub metrics: BTreeMap<String, f64>,
    /// Seconds that it took.
    pub seconds: f64,
}

/// Why there is no answer.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum EstimateError {
    /// The stop flag was raised. Not a result: the trial is run again on resume.
    #[error("interrupted before it was done")]
    Interrupted,
    /// The network cannot be estimated. A result: it is not tried again.
    #[error("{reason}")]
    Failed {
        /// What went wrong.
        reason: String,
        /// The last output of a program, if one ran.
        output: Option<String>,
    },
}

impl EstimateError {
    /// A failure without output.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into(), output: None }
    }
}

/// A way to tell how good a network is.
///
/// The same job must give the same value, whatever ran before it and beside it. Implementations look at `job.stop` often
/// and return [`EstimateError::Interrupted`] soon after it is raised. A panic counts as a failed trial.
pub trait Estimator: Send + Sync {
    /// Estimates one network.
    fn estimate(&self, job: &Job<'_>) -> Result<Estimate, EstimateError>;
}
