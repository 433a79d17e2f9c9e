//! A differentiable search: what it is made of, how long it takes, what it comes to.

use super::error::SearchError;
use super::method::Method;
use super::regulariser::Probabilities;
use super::running::Running;
use super::space::RelaxedSpace;
use super::super_network::Judged;
use super::trust::Trust;
use nasmyth_data::Dataset;
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use serde::{Deserialize, Serialize};

/// How long and how fast a super-network learns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Epochs.
    pub epochs: usize,
    /// Training samples of an epoch; all of them by default.
    pub samples: Option<usize>,
    /// Samples of a step.
    pub batch: usize,
    /// Highest learning rate of the weights; it falls as a cosine.
    pub rate: f64,
    /// Momentum of the weights.
    pub momentum: f64,
    /// Weight decay of the weights.
    pub decay: f64,
    /// Largest norm of the weights' gradient.
    pub clip: f64,
    /// Validation batches, at most, that networks are judged by.
    pub judged: usize,
    /// The most memory that the super-network may take in training, in MiB; by default what the machine has for one network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Whether the search ends early where it collapses: in the second half.
    #[serde(default)]
    pub stop: bool,
}

impl Default for Budget {
    /// The rates of the published searches (Liu, Simonyan and Yang 2019, section A.1.1).
    fn default() -> Self {
        Self {
            epochs: 20,
            samples: None,
            batch: 64,
            rate: 0.025,
            momentum: 0.9,
            decay: 3e-4,
            clip: 5.0,
            judged: 32,
            memory: None,
            stop: false,
        }
    }
}

/// Where a search stands after an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Mean loss on the training part.
    pub train: f64,
    /// Mean loss on the validation part with all that steers the search, of the steps in which the architecture moved.
    pub valid: Option<f64>,
    /// Probabilities of the options of each mixed choice.
    pub probabilities: Probabilities,
    /// Those of the drawn ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn: Probabilities,
}

/// A choice that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// After so many epochs.
    pub epoch: usize,
    /// Number of the choice.
    pub choice: usize,
    /// Number of its option.
    pub option: usize,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Found {
    /// The option of each mixed choice.
    pub options: Vec<usize>,
    /// That of each drawn one.
    pub drawn: Vec<usize>,
    /// The probabilities of all options of the mixed choices at the end, decided or not.
    pub probabilities: Probabilities,
    /// Those of the drawn ones.
    pub drawn_probabilities: Probabilities,
    /// The course of the search.
    pub epochs: Vec<Epoch>,
    /// In the order in which they were taken.
    pub decisions: Vec<Decision>,
    /// The super-network at the end of its training.
    pub relaxed: Judged,
    /// The network that was found, with the weights of the super-network.
    pub discrete: Judged,
    /// Whether to believe it.
    pub trust: Trust,
}

/// A differentiable search. The same fields give the same result.
pub struct Search<'a> {
    /// What to do.
    pub method: &'a Method,
    /// Where.
    pub space: &'a dyn RelaxedSpace,
    /// The training part teaches the weights, the validation part the architecture.
    pub data: &'a Dataset,
    /// What computes.
    pub engine: &'a Engine,
    /// How long.
    pub budget: Budget,
    /// Seed of all randomness.
    pub seed: u64,
}

impl<'a> Search<'a> {
    /// Searches. `observe` sees each epoch.
    ///
    /// # Errors
    /// No network for the data or under the limit, too little memory, a loss that diverges, or the stop flag.
    pub fn run(&self, stop: &StopFlag, observe: &mut dyn FnMut(&Epoch)) -> Result<Found, SearchError> {
        let mut running = self.begin()?;
        let mut seen = 0;
        while running.go_on(stop)? {
            running.epochs()[seen..].iter().for_each(&mut *observe);
            seen = running.epochs().len();
        }
        running.found()
    }

    /// A search at its beginning, to be run part by part.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn begin(&self) -> Result<Running<'a>, SearchError> {
        Running::begin(self)
    }
}
