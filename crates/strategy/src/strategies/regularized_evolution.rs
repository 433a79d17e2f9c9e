//! Regularized (ageing) evolution.
//!
//! Real, Aggarwal, Huang and Le: "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019,
//! algorithm 1: the best of a random sample of the population has a child, and the oldest member dies. Of several objectives the
//! tournaments of each proposal see one number, with weights drawn anew ([`scalarised`]).

use super::StrategyKind;
use crate::cell_encoding::{EncodedSpace, GENES, STEPS, encoding};
use crate::opening::Opening;
use crate::pareto::scalarised;
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Strategy, StrategyError, distinct,
    feasible_near, feasible_sample,
};
use nasmyth_space::Genotype;
use nasmyth_surrogate::encodings::Encoding;
use rand::RngExt;
use std::collections::VecDeque;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "regularized-evolution",
    doc: "mutates the best of a sample of the population; the oldest dies",
    several: true,
    settings: &[
        SettingKind {
            name: "population",
            doc: "members alive, and networks drawn at random at the start",
            setting: Setting::Integer { default: 12, least: 2, most: 100_000 },
        },
        SettingKind {
            name: "sample",
            doc: "members drawn for a tournament",
            setting: Setting::Integer { default: 4, least: 1, most: 100_000 },
        },
        SettingKind {
            name: "crossover",
            doc: "chance that a child has two parents",
            setting: Setting::Number { default: 0.0, least: 0.0, most: 1.0 },
        },
        SettingKind {
            name: "encoding",
            doc: "of cells, of which a mutation changes one feature; genes: as the space mutates them",
            setting: Setting::Word { default: GENES, options: STEPS },
        },
    ],
    build: |settings| {
        let (population, sample) = (settings.count("population"), settings.count("sample"));
        let evolution = RegularizedEvolution::new(population, sample, settings.number("crossover"));
        Box::new(RegularizedEvolution { encoding: encoding(settings.text("encoding")), ..evolution })
    },
};

/// Children tried for each number of mutations.
const TRIES: usize = 24;
/// Most mutations between parent and child.
const MUTATIONS: usize = 3;

/// Ageing evolution with tournament selection.
#[derive(Clone, Debug)]
pub struct RegularizedEvolution {
    /// Oldest first.
    population: VecDeque<Member>,
    capacity: usize,
    sample: usize,
    crossover: f64,
    /// In whose terms cells are mutated; gene by gene without.
    encoding: Option<&'static dyn Encoding>,
    /// The first generation.
    opening: Opening,
}

#[derive(Clone, Debug)]
struct Member {
    trial: u64,
    genotype: Genotype,
    objectives: Vec<f64>,
}

impl RegularizedEvolution {
    /// `population` members, tournaments of `sample`, two parents with probability `crossover`.
    pub fn new(population: usize, sample: usize, crossover: f64) -> Self {
        let population = population.max(1);
        Self {
            population: VecDeque::new(),
            capacity: population,
            sample: sample.max(1),
            crossover,
            encoding: None,
            opening: Opening::new(population),
        }
    }

    fn propose(
        &mut self,
        problem: &Problem<'_>,
        encoded: Option<&EncodedSpace<'_>>,
        rng: &mut Rng,
    ) -> Option<Proposal> {
        let opening = self.opening.next(problem, rng);
        let proposal = opening.or_else(|| self.child(problem, encoded, rng));
        proposal.or_else(|| feasible_sample(problem, rng).map(Proposal::random))
    }

    /// The best of a random sample; ties go to the older.
    fn tournament(&self, values: &[f64], rng: &mut Rng) -> Option<&Member> {
        let drawn = if self.population.is_empty() { 0 } else { self.sample };
        let drawn: Vec<usize> = (0..drawn).map(|_| rng.random_range(0..self.population.len())).collect();
        let best = drawn.into_iter().max_by(|&a, &b| values[a].total_cmp(&values[b]).then(b.cmp(&a)))?;
        self.population.get(best)
    }

    fn child(
        &self,
        problem: &Problem<'_>,
        encoded: Option<&EncodedSpace<'_>>,
        rng: &mut Rng,
    ) -> Option<Proposal> {
        let objectives: Vec<&[f64]> = self.population.iter().map(|m| m.objectives.as_slice()).collect();
        let values = scalarised(&objectives, rng);
        let parent = self.tournament(&values, rng)?;
        let crossed = rng.random_bool(self.crossover);
        let other = if crossed { self.tournament(&values, rng)? } else { parent };
        let origin = if crossed { Origin::Crossover } else { Origin::Mutation };
        let mut child = parent.genotype.clone();
        for attempt in 0..TRIES * MUTATIONS {
            child = match crossed {
                true => problem.space.crossover(&parent.genotype, &other.genotype, rng),
                false => parent.genotype.clone(),
            };
            for _ in 0..=attempt / TRIES {
                child = match encoded {
                    Some(encoded) => encoded.mutate(&child, rng)?,
                    None => problem.space.mutate(&child, rng),
                };
            }
            if problem.fresh(&child) {
                return Some(Proposal { genotype: child, origin, parent: Some(parent.trial) });
            }
        }
        let genotype = feasible_near(problem, &child, rng)?;
        Some(Proposal { genotype, origin, parent: Some(parent.trial) })
    }
}

impl Strategy for RegularizedEvolution {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        let encoded = self.encoding.map(|e| EncodedSpace::new(problem.space, e)).transpose()?;
        Ok(distinct(problem, n, |problem| self.propose(problem, encoded.as_ref(), rng)))
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        for trial in done.iter().filter(|trial| trial.fidelity.rung == 0) {
            if let Some(objectives) = trial.objectives() {
                let (trial, genotype) = (trial.trial, trial.genotype.clone());
                self.population.push_back(Member { trial, genotype, objectives });
            }
        }
        let dead = self.population.len().saturating_sub(self.capacity);
        self.population.drain(..dead);
        Ok(())
    }
}
