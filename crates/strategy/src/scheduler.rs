//! Who gets how much effort.

use crate::{Completed, Fidelity, Origin, Problem, Proposal, Rng, Strategy, StrategyError};
use nasmyth_space::Genotype;

/// A trial to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What to build.
    pub genotype: Genotype,
    /// At what effort.
    pub fidelity: Fidelity,
    /// The rung whose checkpoint it continues from.
    pub previous: Option<Fidelity>,
    /// How it came about.
    pub origin: Origin,
    /// The trial that it was made from, or continues.
    pub parent: Option<u64>,
}

impl Task {
    /// A proposal at its first rung.
    pub fn first(proposal: Proposal, fidelity: Fidelity) -> Self {
        let Proposal { genotype, origin, parent } = proposal;
        Self { genotype, fidelity, previous: None, origin, parent }
    }
}

/// What to do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Run this trial.
    Run(Task),
    /// Nothing until more trials are told.
    Wait,
    /// Nothing ever again: every feasible genotype was tried.
    Exhausted,
}

/// Wraps a strategy and decides the effort of each trial.
///
/// The scheduler passes all results on to the strategy, in the order of trials.
pub trait Scheduler: Send {
    /// The next trial. The scheduler counts every `Run` as pending until it is told.
    fn next(
        &mut self,
        strategy: &mut dyn Strategy,
        problem: &Problem<'_>,
        rng: &mut Rng,
    ) -> Result<Next, StrategyError>;

    /// The effort of each rung, lowest first.
    fn ladder(&self) -> Vec<Fidelity>;

    /// Learns from trials that are over and tells the strategy.
    fn tell(&mut self, strategy: &mut dyn Strategy, done: &[Completed]) -> Result<(), StrategyError>;
}

/// What a scheduler without brackets runs next: the promotion if there is one, else a new network at the lowest fidelity. `pending`
/// counts the trials that are not told yet.
pub(crate) fn promotion_or_new(
    promotion: Option<Task>,
    lowest: Fidelity,
    pending: &mut usize,
    (strategy, problem, rng): (&mut dyn Strategy, &Problem<'_>, &mut Rng),
) -> Result<Next, StrategyError> {
    let task = match promotion {
        Some(task) => Some(task),
        None => propose(strategy, problem, rng)?.map(|proposal| Task::first(proposal, lowest)),
    };
    *pending += usize::from(task.is_some());
    Ok(match task {
        Some(task) => Next::Run(task),
        None if *pending > 0 => Next::Wait,
        None => Next::Exhausted,
    })
}

/// One proposal of the strategy, if there is any left.
pub(crate) fn propose(
    strategy: &mut dyn Strategy,
    problem: &Problem<'_>,
    rng: &mut Rng,
) -> Result<Option<Proposal>, StrategyError> {
    Ok(strategy.ask(problem, 1, rng)?.into_iter().next())
}
