//! What happens in a run, as it is written to the log.

use crate::{Budget, StudyConfig};
use nasmyth_device::{Costs, Limit, Limits};
use nasmyth_estimator::{Estimate, Fidelity};
use nasmyth_space::Genotype;
use nasmyth_strategy::Origin;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A canonical graph hash, written as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GraphHash(pub u128);

impl fmt::Display for GraphHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for GraphHash {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

impl TryFrom<String> for GraphHash {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<GraphHash> for String {
    fn from(hash: GraphHash) -> Self {
        hash.to_string()
    }
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// All trials of the budget are done.
    Trials,
    /// The time of the budget is over.
    Time,
    /// Every feasible network of the space was tried.
    Exhausted,
    /// The stop flag was raised; the run can be resumed.
    Interrupted,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run began.
    Created {
        /// What it was asked to do.
        config: Box<StudyConfig>,
        /// Name of the space.
        space: String,
    },
    /// A trial was decided on.
    Asked {
        /// Its number, from 0 without gaps.
        trial: u64,
        /// What to build.
        genotype: Genotype,
        /// Identity of its graph.
        hash: GraphHash,
        /// What it costs.
        costs: Costs,
        /// Effort.
        fidelity: Fidelity,
        /// The rung whose checkpoint it continues from.
        previous: Option<Fidelity>,
        /// The trial that it was made from, or continues.
        parent: Option<u64>,
        /// How it came about.
        origin: Origin,
    },
    /// A trial has a value.
    Completed {
        /// Its number.
        trial: u64,
        /// The answer.
        estimate: Estimate,
    },
    /// A trial has no value.
    Failed {
        /// Its number.
        trial: u64,
        /// Why.
        reason: String,
        /// Last output of the program that ran it, if any.
        output: Option<String>,
    },
    /// A trial is canonically equal to an earlier one at the same rung and has its result.
    Cached {
        /// Its number.
        trial: u64,
        /// The earlier trial.
        from: u64,
    },
    /// Before the first trial: options that the space is searched without.
    Narrowed {
        /// Each `path=value`.
        left_out: Vec<String>,
    },
    /// A network breaks a limit when it is measured: it is out.
    Refuted(Refutation),
    /// Networks turned out to cost more than predicted: from the next trial on, these limits hold.
    Tightened {
        /// The trials before keep to the limits of their time.
        from: u64,
        /// All limits.
        limits: Limits,
        /// The budget from now on.
        budget: Budget,
    },
    /// The strategy has something to say.
    Remark {
        /// In words.
        text: String,
    },
    /// The run ended, for now or for good.
    Stopped {
        /// Why.
        reason: StopReason,
    },
    /// The run was taken up again.
    Resumed {
        /// The budget from now on.
        budget: Budget,
        /// Workers from now on.
        workers: usize,
    },
    /// What the caller made of the result.
    Final {
        /// In the caller's words.
        report: serde_json::Value,
    },
}

/// A measurement that breaks a limit which the prediction kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refutation {
    /// The network.
    pub hash: GraphHash,
    /// The limit.
    pub limit: Limit,
    /// What the network was predicted to cost at most.
    pub predicted: u64,
    /// What it has to count as, by the measurement.
    pub measured: u64,
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Position in the log, from 0 without gaps.
    pub sequence: u64,
    /// Active milliseconds since the run was created; pauses between resumes do not count.
    pub ms: u64,
    /// What happened.
    pub event: Event,
}
