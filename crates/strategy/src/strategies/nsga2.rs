//! Evolution towards the whole Pareto front.
//!
//! Deb, Pratap, Agarwal and Meyarivan: "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Transactions on Evolutionary
//! Computation 6(2), 2002: parents and children together are sorted into fronts; the best fronts survive, of the last one those
//! that are least crowded. With a single objective it is a genetic algorithm with the same elitism.

use super::StrategyKind;
use crate::opening::Opening;
use crate::pareto::{crowding, ranks};
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Strategy, StrategyError, distinct,
    feasible_near, feasible_sample,
};
use nasmyth_space::Genotype;
use rand::RngExt;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "nsga2",
    doc: "evolution of a whole front: keeps what nothing dominates, and of that what is least crowded",
    several: true,
    settings: &[
        SettingKind {
            name: "population",
            doc: "members of a generation",
            setting: Setting::Integer { default: 24, least: 2, most: 100_000 },
        },
        SettingKind {
            name: "crossover",
            doc: "chance that a child has two parents",
            setting: Setting::Number { default: 0.9, least: 0.0, most: 1.0 },
        },
    ],
    build: |settings| Box::new(Nsga2::new(settings.count("population"), settings.number("crossover"))),
};

/// Children tried before one is mutated until it is new.
const TRIES: usize = 48;

/// The elitist non-dominated sorting genetic algorithm.
#[derive(Clone, Debug)]
pub struct Nsga2 {
    size: usize,
    crossover: f64,
    opening: Opening,
    /// The parents, best first.
    population: Vec<Member>,
    /// Told since the parents were selected.
    children: Vec<Member>,
}

#[derive(Clone, Debug)]
struct Member {
    trial: u64,
    genotype: Genotype,
    objectives: Vec<f64>,
}

impl Nsga2 {
    /// `population` parents, two of which a child has with probability `crossover`.
    pub fn new(population: usize, crossover: f64) -> Self {
        let size = population.max(2);
        Self { size, crossover, opening: Opening::new(size), population: Vec::new(), children: Vec::new() }
    }

    /// The next parents: whole fronts, and of the front that does not fit the least crowded. Best first, so that a member beats
    /// those behind it in the crowded comparison (section III B).
    fn select(&mut self) {
        let mut all = std::mem::take(&mut self.population);
        all.append(&mut self.children);
        let points: Vec<&[f64]> = all.iter().map(|m| m.objectives.as_slice()).collect();
        let ranks = ranks(&points);
        let mut order: Vec<(usize, f64, usize)> = Vec::with_capacity(all.len());
        for rank in 0.. {
            let front: Vec<usize> = (0..all.len()).filter(|&i| ranks[i] == rank).collect();
            if front.is_empty() || order.len() >= self.size {
                break;
            }
            let distances = crowding(&front.iter().map(|&i| points[i]).collect::<Vec<_>>());
            order.extend(front.into_iter().zip(distances).map(|(i, distance)| (rank, distance, i)));
        }
        order.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
        order.truncate(self.size);
        let mut all: Vec<Option<Member>> = all.into_iter().map(Some).collect();
        self.population = order.into_iter().filter_map(|(_, _, i)| all[i].take()).collect();
    }

    /// The better of two.
    fn tournament(&self, rng: &mut Rng) -> &Member {
        let mut draw = || rng.random_range(0..self.population.len());
        &self.population[draw().min(draw())]
    }

    fn child(&self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        if self.population.is_empty() {
            return None;
        }
        let mut last = None;
        for attempt in 0..TRIES {
            let (parent, other) = (self.tournament(rng), self.tournament(rng));
            let crossed = rng.random_bool(self.crossover);
            let mut genotype = match crossed {
                true => problem.space.crossover(&parent.genotype, &other.genotype, rng),
                false => parent.genotype.clone(),
            };
            // One gene on average (section V), and more when all that is near is known.
            let genes = genotype.genes().len().max(1);
            let mutations = (0..genes).filter(|_| rng.random_ratio(1, genes as u32)).count();
            for _ in 0..mutations + attempt / 8 {
                genotype = problem.space.mutate(&genotype, rng);
            }
            let origin = if crossed { Origin::Crossover } else { Origin::Mutation };
            let proposal = Proposal { genotype, origin, parent: Some(parent.trial) };
            if problem.fresh(&proposal.genotype) {
                return Some(proposal);
            }
            last = Some(proposal);
        }
        let last = last?;
        let genotype = feasible_near(problem, &last.genotype, rng)?;
        Some(Proposal { genotype, ..last })
    }

    fn propose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        let opening = self.opening.next(problem, rng);
        let proposal = opening.or_else(|| self.child(problem, rng));
        proposal.or_else(|| feasible_sample(problem, rng).map(Proposal::random))
    }
}

impl Strategy for Nsga2 {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        Ok(distinct(problem, n, |problem| self.propose(problem, rng)))
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        for trial in done.iter().filter(|trial| trial.fidelity.rung == 0) {
            if let Some(objectives) = trial.objectives() {
                self.children.push(Member {
                    trial: trial.trial,
                    genotype: trial.genotype.clone(),
                    objectives,
                });
            }
            if self.children.len() >= self.size {
                self.select();
            }
        }
        Ok(())
    }
}
