//! Every trial at full effort.

use super::SchedulerKind;
use crate::scheduler::propose;
use crate::{Completed, Fidelity, Next, Problem, Rng, Scheduler, Strategy, StrategyError, Task};

pub(super) const KIND: SchedulerKind = SchedulerKind {
    name: "none",
    doc: "every trial gets the full effort",
    settings: &[],
    build: |_, epochs| Box::new(Full::new(epochs)),
};

/// One rung only.
#[derive(Clone, Copy, Debug)]
pub struct Full {
    fidelity: Fidelity,
}

impl Full {
    /// Every trial gets this many epochs.
    pub fn new(epochs: f64) -> Self {
        Self { fidelity: Fidelity { rung: 0, epochs } }
    }
}

impl Scheduler for Full {
    fn next(
        &mut self,
        strategy: &mut dyn Strategy,
        problem: &Problem<'_>,
        rng: &mut Rng,
    ) -> Result<Next, StrategyError> {
        let proposal = propose(strategy, problem, rng)?;
        Ok(proposal.map_or(Next::Exhausted, |proposal| Next::Run(Task::first(proposal, self.fidelity))))
    }

    fn ladder(&self) -> Vec<Fidelity> {
        vec![self.fidelity]
    }

    fn tell(&mut self, strategy: &mut dyn Strategy, done: &[Completed]) -> Result<(), StrategyError> {
        strategy.tell(done)
    }
}
