//! What a strategy tries before it knows anything.

use crate::{Origin, Problem, Proposal, Rng, feasible_sample};

/// The network that the author of the space would try first, then random ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    given: bool,
    random_left: usize,
}

impl Opening {
    /// An opening of so many networks, at least one.
    pub(crate) fn new(networks: usize) -> Self {
        Self { given: false, random_left: networks.max(1) - 1 }
    }

    /// The next one; nothing when the opening is over or nothing is left to try.
    pub(crate) fn next(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        if !std::mem::replace(&mut self.given, true) {
            let genotype = problem.space.default_genotype();
            if problem.fresh(&genotype) {
                return Some(Proposal { genotype, origin: Origin::Given, parent: None });
            }
        }
        self.random_left = self.random_left.checked_sub(1)?;
        feasible_sample(problem, rng).map(Proposal::random)
    }
}
