//! Evolution whose operators are learned.
//!
//! Li, Wu, Zhang, Wang and Liu: "B2Opt: Learning to Optimize Black-box Optimization with Little Budget", AAAI 2025: crossover is
//! self-attention over the population, mutation a small network, and each child competes with its parent. The block of these ([`block`]) is
//! trained by gradient descent through ten generations on cheap functions ([`training`]), and then used as it is.

mod block;
mod training;

use super::StrategyKind;
use crate::opening::Opening;
use crate::trust_region;
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Strategy, StrategyError, distinct, feasible_near,
    feasible_sample,
};
use block::POPULATION;
use nasmyth_space::{Gene, Genotype, Scale, Space};
use std::collections::VecDeque;
use training::{standardised, trained};

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "b2opt",
    doc: "evolution with crossover and mutation that were learned on cheap functions",
    several: false,
    settings: &[],
    build: |_| Box::new(B2Opt::default()),
};

/// A population under learned operators.
#[derive(Clone, Debug)]
pub struct B2Opt {
    opening: Opening,
    members: Vec<Member>,
    /// Children of this generation that were not proposed yet: their parents' ranks and what the block made.
    brood: VecDeque<(usize, Vec<f64>)>,
    /// Proposed, but not told yet.
    open: Vec<Child>,
}

/// An individual, at its rank when the generation began.
#[derive(Clone, Debug)]
struct Member {
    trial: u64,
    genotype: Genotype,
    value: f64,
}

#[derive(Clone, Debug)]
struct Child {
    genotype: Genotype,
    /// The rank of the member that it competes with.
    parent: usize,
    /// Whether the generation waits for it.
    awaited: bool,
}

impl Default for B2Opt {
    fn default() -> Self {
        let (members, brood, open) = (Vec::new(), VecDeque::new(), Vec::new());
        Self { opening: Opening::new(POPULATION), members, brood, open }
    }
}

impl B2Opt {
    fn propose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        if self.members.len() < POPULATION {
            let opening = self.opening.next(problem, rng);
            return opening.or_else(|| feasible_sample(problem, rng).map(Proposal::random));
        }
        if self.brood.is_empty() && !self.open.iter().any(|child| child.awaited) {
            self.breed(problem.space);
        }
        // While a generation waits for its last results, the best individuals have further children.
        let extra = || (self.open.len() % POPULATION, None);
        let (parent, code) = self.brood.pop_front().map_or_else(extra, |(parent, code)| (parent, Some(code)));
        let awaited = code.is_some();
        let from = &self.members[parent];
        let (child, origin) = match code {
            Some(code) => (decoded(problem.space, &code), Origin::Crossover),
            None => (problem.space.mutate(&from.genotype, rng), Origin::Mutation),
        };
        let trial = from.trial;
        let near = if problem.fresh(&child) { Some(child) } else { feasible_near(problem, &child, rng) };
        let Some(genotype) = near else { return feasible_sample(problem, rng).map(Proposal::random) };
        self.open.push(Child { genotype: genotype.clone(), parent, awaited });
        Some(Proposal { genotype, origin, parent: Some(trial) })
    }

    /// The children of a new generation.
    fn breed(&mut self, space: &Space) {
        self.members.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.trial.cmp(&b.trial)));
        let fitness = standardised(&self.members.iter().map(|member| member.value).collect::<Vec<_>>());
        let population: Vec<Vec<f64>> = self.members.iter().map(|m| encoded(space, &m.genotype)).collect();
        self.brood = trained().children(&population, &fitness).into_iter().enumerate().collect();
    }

    fn learn(&mut self, trial: &Completed) {
        let at = self.open.iter().position(|child| child.genotype == trial.genotype);
        let child = at.map(|at| self.open.remove(at));
        let Ok(value) = trial.outcome else { return };
        let member = Member { trial: trial.trial, genotype: trial.genotype.clone(), value };
        match child {
            Some(child) if value > self.members[child.parent].value => self.members[child.parent] = member,
            None if self.members.len() < POPULATION => self.members.push(member),
            _ => {}
        }
    }
}

/// Coordinates of a gene: one for each category, or a single one.
fn width(scale: Scale) -> usize {
    if let Scale::Unordered(values) = scale { values as usize } else { 1 }
}

/// A genotype as a point of the box from -1 to 1: 1 for the category that a gene has and -1 for the others, a number as its place in its
/// range, and 0 for genes that are absent.
fn encoded(space: &Space, genotype: &Genotype) -> Vec<f64> {
    let mut code = Vec::new();
    for (scale, gene) in space.scales().into_iter().zip(space.by_place(genotype)) {
        let at = code.len();
        code.resize(at + width(scale), 0.0);
        match (scale, gene) {
            (_, None) => {}
            (Scale::Unordered(_), Some(gene)) => {
                code[at..].fill(-1.0);
                if let Gene::Index(i) = gene {
                    code[at + i as usize] = 1.0;
                }
            }
            (_, gene) => {
                let number = trust_region::point(&[scale], &[gene]).numbers[0];
                code[at] = 2.0 * number.unwrap_or(0.5) - 1.0;
            }
        }
    }
    code
}

/// The genotype that is nearest to a point.
fn decoded(space: &Space, code: &[f64]) -> Genotype {
    let mut genes = Vec::new();
    let mut rest = code;
    for scale in space.scales() {
        let (own, others) = rest.split_at(width(scale));
        rest = others;
        let most = (0..own.len()).rev().max_by(|&a, &b| own[a].total_cmp(&own[b])).unwrap_or(0);
        let number = own.first().map_or(0.5, |x| 0.5 * (x + 1.0));
        genes.push(trust_region::gene(scale, number).unwrap_or(Gene::Index(most as u32)));
    }
    space.compose(|place| genes[place])
}

impl Strategy for B2Opt {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        Ok(distinct(problem, n, |problem| self.propose(problem, rng)))
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        done.iter().filter(|trial| trial.fidelity.rung == 0).for_each(|trial| self.learn(trial));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_space::{SpaceError, Tree};
    use rand::SeedableRng;

    #[test]
    fn genotypes_are_points_and_the_nearest_of_points() {
        let layer = Tree::group([Tree::choice("kind", ["a", "b", "c"]), Tree::int("size", 1..=9, 1)]);
        let tree = Tree::group([Tree::repeat("layers", 1..=3, layer), Tree::real("rate", 0.0..=4.0)]);
        let space = Space::new("points", "", tree, |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap();
        let mut rng = Rng::seed_from_u64(1);
        for _ in 0..100 {
            let genotype = space.sample(&mut rng);
            let code = encoded(&space, &genotype);
            assert!(code.iter().all(|x| (-1.0..=1.0).contains(x)), "{code:?}");
            let again = decoded(&space, &code);
            let same = |(a, b): (Option<Gene>, Option<Gene>)| match (a, b) {
                (Some(Gene::Real(a)), Some(Gene::Real(b))) => (a - b).abs() < 1e-12,
                (a, b) => a == b,
            };
            assert!(space.by_place(&genotype).into_iter().zip(space.by_place(&again)).all(same));
        }
    }
}
