//! Why a differentiable search ended without a network.

use crate::CheckpointError;
use nasmyth_engine::EngineError;
use nasmyth_space::SpaceError;
use thiserror::Error;

/// Why.
#[derive(Debug, Error)]
pub enum SearchError {
    /// The space has no network for the data or the options.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// The super-network cannot be compiled.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The machine is too small, or the budget's memory.
    #[error(
        "training the super-network needs {} MiB of memory, more than the {} MiB that it may take: lower the batch or the width, let only a \
         share of the channels through the options (partial = 4), or compute few of them at a time (gdas, proxyless, spidernet)",
        needed >> 20,
        share >> 20
    )]
    Memory {
        /// Bytes needed.
        needed: u64,
        /// Bytes that there are.
        share: u64,
    },
    /// Nothing that partial channels could be for.
    #[error(
        "no options can be computed on one in {0} channels: that many do not divide the channels, or options change the shape of what they \
         read; use a method without partial channels, such as darts"
    )]
    Partial(usize),
    /// Nothing that mixed kernels could be for.
    #[error(
        "no options differ in the size of a kernel only, which is what kernels are mixed or shared for: choose a space with such genes, such as \
         conv1d, or `kernels = \"apart\"`"
    )]
    Kernels,
    /// The space was made for other data.
    #[error(
        "the super-network takes inputs of shape {network:?} and has {outputs} outputs, the data has shape {data:?} and needs {needed}"
    )]
    Mismatch {
        /// Input shape of the super-network.
        network: Vec<usize>,
        /// Its number of outputs.
        outputs: usize,
        /// Shape of a sample.
        data: Vec<usize>,
        /// Outputs that the task needs.
        needed: usize,
    },
    /// Nothing to learn the architecture from.
    #[error(
        "the data has no validation part, on which the architecture learns: open it with a valid_fraction above 0, such as 0.5"
    )]
    NoValidation,
    /// The loss left the finite numbers.
    #[error("the search diverged: lower the learning rate of the weights")]
    Diverged,
    /// No architecture keeps the hard limit.
    #[error(
        "no architecture costs at most {limit:.0} multiply-accumulates: the cheapest costs {cheapest:.0}"
    )]
    Limit {
        /// What was asked for.
        limit: f64,
        /// What there is.
        cheapest: f64,
    },
    /// A checkpoint that cannot be written or used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The stop flag was raised.
    #[error("the search was interrupted")]
    Interrupted,
    /// A method that does not exist.
    #[error("unknown method `{got}`{}; known: {known}", nearest.as_ref().map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default())]
    Method {
        /// What was asked for.
        got: String,
        /// The nearest name.
        nearest: Option<String>,
        /// All names.
        known: String,
    },
    /// Settings that no method can have.
    #[error("method `{method}`: {problem}")]
    Settings {
        /// Name of the method.
        method: String,
        /// What is wrong, and what was expected.
        problem: String,
    },
}
