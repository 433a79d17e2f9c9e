//! Why there is no super-network.

use crate::CheckpointError;
use nasmyth_graph::GraphError;
use nasmyth_space::SpaceError;
use nasmyth_train::TrainError;
use thiserror::Error;

/// Why a super-network cannot be trained or used.
#[derive(Debug, Error)]
pub enum OneShotError {
    /// A genotype has no network.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// A network that is not whole.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A step cannot be made.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A checkpoint cannot be written or used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The super-network is too large.
    #[error(
        "the super-network needs about {} MiB of memory ({} MiB of weights with what the optimiser remembers of them, {} MiB for a step), \
         more than the {} MiB that there are: {advice}",
        (bank + step) >> 20, bank >> 20, step >> 20, share >> 20
    )]
    Memory {
        /// Bytes of weights and moments.
        bank: u64,
        /// Bytes of the largest step.
        step: u64,
        /// Bytes that there are.
        share: u64,
        /// The option that would make it fit.
        advice: String,
    },
    /// No network keeps the limits.
    #[error(
        "no network of space `{0}` that keeps the limits was found, so there is none to train: raise the limits, or take another space"
    )]
    Infeasible(String),
    /// Settings that do not fit the space.
    #[error("{at}: expected {expected}, got {got}")]
    Setting {
        /// Which setting.
        at: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        got: String,
    },
}
