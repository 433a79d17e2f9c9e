//! The trait, what it is asked and what it is told.

use crate::{Fidelity, Rng, StrategyError};
use nasmyth_space::{Genotype, Space};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a strategy may know of the task.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// What can be built.
    pub space: &'a Space,
    /// How far a genotype is from keeping the limits: 0 is feasible, infinity does not lower to a network.
    pub violation: &'a dyn Fn(&Genotype) -> f64,
    /// Whether a canonically equal candidate was proposed before.
    pub known: &'a dyn Fn(&Genotype) -> bool,
    /// Further objectives of a feasible genotype, all to be small; none where the value is the only objective.
    pub costs: &'a dyn Fn(&Genotype) -> Vec<f64>,
}

/// [`Problem::costs`] where the value is the only objective.
pub fn no_costs(_: &Genotype) -> Vec<f64> {
    Vec::new()
}

impl Problem<'_> {
    /// Whether the genotype keeps the limits.
    pub fn feasible(&self, genotype: &Genotype) -> bool {
        (self.violation)(genotype) <= 0.0
    }

    /// Whether the genotype may be proposed: feasible and not proposed before.
    pub fn fresh(&self, genotype: &Genotype) -> bool {
        self.feasible(genotype) && !(self.known)(genotype)
    }
}

/// How a proposal came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The space's own default network.
    Given,
    /// Drawn without the use of any result.
    Random,
    /// Changed from its parent.
    Mutation,
    /// Mixed from its parent and another trial.
    Crossover,
    /// Chosen with a model of the results, or by a language model that was shown them.
    Model,
    /// A trial that goes on at a higher rung.
    Promotion,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given => "given",
            Self::Random => "random",
            Self::Mutation => "mutation",
            Self::Crossover => "crossover",
            Self::Model => "model",
            Self::Promotion => "promotion",
        })
    }
}

/// A genotype to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// What to build.
    pub genotype: Genotype,
    /// How it came about.
    pub origin: Origin,
    /// The trial that it was made from.
    pub parent: Option<u64>,
}

impl Proposal {
    /// A proposal that uses no result.
    pub fn random(genotype: Genotype) -> Self {
        Self { genotype, origin: Origin::Random, parent: None }
    }
}

/// A trial that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Completed {
    /// Number of the trial.
    pub trial: u64,
    /// What was tried.
    pub genotype: Genotype,
    /// At what effort.
    pub fidelity: Fidelity,
    /// Its value (higher is better), or that it failed.
    pub outcome: Result<f64, ()>,
    /// Its further objectives, as [`Problem::costs`] lists them: lower is better.
    pub costs: Vec<f64>,
}

impl Completed {
    /// All objectives, more is better in each: the value, then the negative costs; none if it failed.
    pub fn objectives(&self) -> Option<Vec<f64>> {
        let value = self.outcome.ok()?;
        Some(std::iter::once(value).chain(self.costs.iter().map(|cost| -cost)).collect())
    }
}

/// A search strategy: asked what to try, told what came of it.
///
/// Contract, checked by [`conformance`](crate::conformance):
/// - every proposal is feasible and was not proposed before ([`Problem::fresh`]);
/// - fewer than `n` proposals mean that no feasible genotype is left;
/// - all randomness comes from `rng`, and the state depends only on the calls so far;
/// - failed trials are told too, and the search goes on.
///
/// Results come in the order of trials, a few trials later than the proposals. A strategy is told results of all
/// rungs; values are comparable within a rung only, so a strategy that compares values uses those of rung 0 (or models the
/// rung). Where there are several objectives, a strategy whose [`StrategyKind`](crate::StrategyKind) says so looks for the whole front.
/// Every proposal is first estimated at rung 0, except in those brackets of Hyperband that begin higher.
pub trait Strategy: Send {
    /// Proposes up to `n` genotypes.
    fn ask(&mut self, problem: &Problem<'_>, n: usize, rng: &mut Rng)
    -> Result<Vec<Proposal>, StrategyError>;

    /// Learns from trials that are over.
    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError>;

    /// Something that the user should know of the last call, said once.
    fn remark(&mut self) -> Option<String> {
        None
    }
}
