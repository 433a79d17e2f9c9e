//! Random search.
//!
//! Li and Talwalkar: "Random Search and Reproducibility for Neural Architecture Search", UAI 2019: the baseline that a
//! strategy has to beat.

use super::StrategyKind;
use crate::{Completed, Problem, Proposal, Rng, Strategy, StrategyError, distinct, feasible_sample};

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "random",
    doc: "draws feasible networks at random",
    several: true,
    settings: &[],
    build: |_| Box::new(Random),
};

/// Draws feasible genotypes that were not drawn before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Random;

impl Strategy for Random {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        Ok(distinct(problem, n, |problem| feasible_sample(problem, rng).map(Proposal::random)))
    }

    fn tell(&mut self, _done: &[Completed]) -> Result<(), StrategyError> {
        Ok(())
    }
}
