//! Networks in the order in which a differentiable search believes in them.

use nasmyth_space::{Gene, Genotype, Rng, Space};
use nasmyth_strategy::{
    Completed, Origin, Problem, Proposal, Strategy, StrategyError, distinct, feasible_near, feasible_sample,
};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Networks looked at for one that may be proposed, before the search for it goes on near the first one.
const LOOKS: usize = 2_000;

/// The options of a gene, the decided one first, the others by how little is lost with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ranked(pub Vec<(Gene32, f64)>);

/// A gene as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Gene32 {
    Index(u32),
    Real(f64),
}

impl From<Gene> for Gene32 {
    fn from(gene: Gene) -> Self {
        match gene {
            Gene::Index(i) => Self::Index(i),
            Gene::Real(v) => Self::Real(v),
        }
    }
}

impl From<Gene32> for Gene {
    fn from(gene: Gene32) -> Self {
        match gene {
            Gene32::Index(i) => Self::Index(i),
            Gene32::Real(v) => Self::Real(v),
        }
    }
}

impl Ranked {
    /// From the probability of each option. The loss of an option is the negative logarithm of the probability that it is chosen out of itself
    /// and the decided one.
    pub fn new(options: &[(Gene, f64)], decided: usize) -> Self {
        let first = options[decided].1.max(f64::MIN_POSITIVE);
        let loss = |p: f64| (1.0 + first / p.max(f64::MIN_POSITIVE)).ln();
        let others = options.iter().enumerate().filter(|(o, _)| *o != decided);
        let mut ranked: Vec<(Gene32, f64)> = others.map(|(_, &(gene, p))| (gene.into(), loss(p))).collect();
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1)); // stable
        ranked.insert(0, (options[decided].0.into(), 0.0));
        Self(ranked)
    }
}

/// Proposes the decided network, then others by the sum of the losses of their genes, the least first; of those, networks that keep the limits.
pub(crate) struct MostProbable {
    places: Vec<Ranked>,
    open: BinaryHeap<Candidate>,
}

/// A network by the genes in which it is not the decided one.
struct Candidate {
    loss: f64,
    /// Place and rank, by place.
    others: Vec<(usize, usize)>,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Candidate {}
impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Candidate {
    /// The least loss is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.loss.total_cmp(&self.loss).then_with(|| other.others.cmp(&self.others))
    }
}

impl MostProbable {
    /// Options at each place of the space.
    pub fn new(places: Vec<Ranked>) -> Self {
        let first = Candidate { loss: 0.0, others: Vec::new() };
        Self { places, open: BinaryHeap::from([first]) }
    }

    fn genotype(&self, space: &Space, others: &[(usize, usize)]) -> Genotype {
        let rank = |place: usize| others.iter().find(|(p, _)| *p == place).map_or(0, |(_, rank)| *rank);
        space.compose(|place| {
            self.places[place].0.get(rank(place)).map_or(Gene::Index(0), |&(gene, _)| gene.into())
        })
    }

    /// The next network in order. What follows from it is its last rank raised by one, or one more gene behind that: so each comes once, and after
    /// all of less loss.
    fn next(&mut self, space: &Space) -> Option<Genotype> {
        let Candidate { others, .. } = self.open.pop()?;
        let genotype = self.genotype(space, &others);
        let exists = space.by_place(&genotype);
        let last = others.last().map(|&(place, rank)| (place, rank + 1));
        let behind = others.last().map_or(0, |&(place, _)| place + 1);
        let more =
            (behind..self.places.len()).filter(|&place| exists[place].is_some()).map(|place| (place, 1));
        for (place, rank) in last.into_iter().chain(more) {
            if rank < self.places[place].0.len() {
                let mut others = others.clone();
                others.retain(|(p, _)| *p != place);
                others.push((place, rank));
                let loss = others.iter().map(|&(p, r)| self.places[p].0[r].1).sum();
                self.open.push(Candidate { loss, others });
            }
        }
        Some(genotype)
    }
}

impl Strategy for MostProbable {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        let first = self.genotype(problem.space, &[]);
        let model = |genotype| Proposal { genotype, origin: Origin::Model, parent: None };
        Ok(distinct(problem, n, |problem| {
            let in_order = (0..LOOKS).map_while(|_| self.next(problem.space)).find(|g| problem.fresh(g));
            let found = in_order
                .or_else(|| feasible_near(problem, &first, rng))
                .or_else(|| feasible_sample(problem, rng));
            found.map(model)
        }))
    }

    fn tell(&mut self, _done: &[Completed]) -> Result<(), StrategyError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_space::{Context, preset};
    use nasmyth_strategy::no_costs;
    use rand::SeedableRng;

    /// Distributions in which the middle option is decided.
    fn strategy(space: &Space) -> MostProbable {
        let ranked = |scale: &nasmyth_space::Scale| {
            let (nasmyth_space::Scale::Ordered(n) | nasmyth_space::Scale::Unordered(n)) = *scale else {
                unreachable!("the space has no ranges")
            };
            let p = |o: u32| (Gene::Index(o), 1.0 / f64::from(1 + o.abs_diff(n / 2)));
            Ranked::new(&(0..n).map(p).collect::<Vec<_>>(), (n / 2) as usize)
        };
        MostProbable::new(space.scales().iter().map(ranked).collect())
    }

    #[test]
    fn networks_come_once_and_by_what_is_lost() {
        let space = preset("cell", &Context::series(40, 1, 10)).unwrap();
        let mut strategy = strategy(&space);
        let losses = strategy.places.clone();
        let loss = |genotype: &Genotype| -> f64 {
            let own = genotype.genes().iter().zip(&losses);
            own.map(|(gene, r)| r.0.iter().find(|(g, _)| Gene::from(*g) == *gene).unwrap().1).sum()
        };
        let all: Vec<Genotype> = (0..3000).map_while(|_| strategy.next(&space)).collect();
        assert_eq!(loss(&all[0]), 0.0);
        assert!(all.windows(2).all(|w| loss(&w[0]) <= loss(&w[1]) + 1e-12));
        let different: std::collections::BTreeSet<&Genotype> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn a_decided_network_that_breaks_a_limit_gives_way_to_the_next_that_keeps_it() {
        let space = preset("cell", &Context::series(40, 1, 10)).unwrap();
        let mut strategy = strategy(&space);
        let first = strategy.genotype(&space, &[]);
        let params = |g: &Genotype| space.lower(g).unwrap().verify().unwrap().params() as f64;
        let limit = params(&first) - 1.0;
        let violation = |g: &Genotype| (params(g) / limit - 1.0).max(0.0);
        let problem = Problem { space: &space, violation: &violation, known: &|_| false, costs: &no_costs };
        let proposals = strategy.ask(&problem, 5, &mut Rng::seed_from_u64(1)).unwrap();
        assert_eq!(proposals.len(), 5);
        assert!(proposals.iter().all(|p| params(&p.genotype) <= limit && p.genotype != first));
    }
}
