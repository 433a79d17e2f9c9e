//! A search that begins where something else has looked already.

use crate::{Completed, Origin, Problem, Proposal, Rng, Strategy, StrategyError, distinct};
use nasmyth_space::Genotype;
use std::collections::VecDeque;

/// Proposes given genotypes first, those that may be proposed, in their order; then what another strategy proposes, which is told all
/// results.
pub struct BeginWith {
    first: VecDeque<Genotype>,
    rest: Box<dyn Strategy>,
}

impl BeginWith {
    /// The genotypes to begin with, and the strategy that goes on.
    pub fn new(first: impl IntoIterator<Item = Genotype>, rest: Box<dyn Strategy>) -> Self {
        Self { first: first.into_iter().collect(), rest }
    }

    fn next(&mut self, problem: &Problem<'_>) -> Option<Proposal> {
        let fresh = self.first.iter().position(|genotype| problem.fresh(genotype));
        let genotype = self.first.drain(..=fresh.unwrap_or(self.first.len().checked_sub(1)?)).next_back()?;
        fresh.map(|_| Proposal { genotype, origin: Origin::Model, parent: None })
    }
}

impl Strategy for BeginWith {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        let mut proposals = distinct(problem, n, |problem| self.next(problem));
        if proposals.len() < n {
            let known = |g: &Genotype| proposals.iter().any(|p| p.genotype == *g) || (problem.known)(g);
            let more = self.rest.ask(&Problem { known: &known, ..*problem }, n - proposals.len(), rng)?;
            proposals.extend(more);
        }
        Ok(proposals)
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        self.rest.tell(done)
    }

    fn remark(&mut self) -> Option<String> {
        self.rest.remark()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{self, Broken};
    use crate::{no_costs, strategy_named};
    use nasmyth_space::{Context, preset};
    use rand::SeedableRng;

    fn evolution() -> Result<Box<dyn Strategy>, StrategyError> {
        strategy_named("regularized-evolution")?.make(&toml::Table::new())
    }

    #[test]
    fn what_may_be_proposed_comes_first_and_in_order() {
        let space = preset("mlp", &Context::table(4, 2)).unwrap();
        let mut rng = Rng::seed_from_u64(2);
        let first: Vec<Genotype> = (0..5).map(|_| space.sample(&mut rng)).collect();
        let mut strategy = BeginWith::new([first.clone(), first.clone()].concat(), evolution().unwrap());
        let violation = |genotype: &Genotype| if *genotype == first[1] { 1.0 } else { 0.0 };
        let known = |genotype: &Genotype| *genotype == first[3];
        let problem = Problem { space: &space, violation: &violation, known: &known, costs: &no_costs };
        let mut asked = strategy.ask(&problem, 2, &mut rng).unwrap();
        let known = |genotype: &Genotype| first[..4].contains(genotype);
        let problem = Problem { known: &known, ..problem };
        asked.extend(strategy.ask(&problem, 3, &mut rng).unwrap());
        let genotypes: Vec<Genotype> = asked.iter().map(|p| p.genotype.clone()).collect();
        assert_eq!(genotypes[..3], [&first[0], &first[2], &first[4]].map(Clone::clone));
        assert_eq!(asked.len(), 5);
        assert!(genotypes[3..].iter().all(|g| !first.contains(g)));
    }

    #[test]
    fn it_keeps_the_contract() -> Result<(), Broken> {
        conformance::check(&|| Ok(Box::new(BeginWith::new([], evolution()?))))
    }
}
