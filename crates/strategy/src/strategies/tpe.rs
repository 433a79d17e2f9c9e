//! The tree-structured Parzen estimator.
//!
//! Bergstra, Bardenet, Bengio and Kégl: "Algorithms for Hyper-Parameter Optimization", NIPS 2011, section 4: the best share gamma
//! of the trials makes a density l, the others a density g, gene by gene down the tree of choices; of some candidates drawn from l
//! the one with the largest l/g is tried, which maximises the expected improvement (equation 4). A gene's densities know only the
//! trials that have the gene. As in the authors' later implementation the number of good trials has an upper bound.
//!
//! Several objectives become one by weights that are drawn anew for each proposal ([`scalarised`]).
//!
//! Under a scheduler with rungs the model is that of the highest rung with enough trials; with `random` above 0 and the scheduler
//! `hyperband` this is BOHB (Falkner, Klein and Hutter, ICML 2018, algorithm 2) with this model in place of its joint density.

use super::StrategyKind;
use crate::cells::{cell, cells, gene};
use crate::opening::Opening;
use crate::pareto::scalarised;
use crate::parzen::{Gaussians, Parzen};
use crate::rungs::Rungs;
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Settings, Strategy, StrategyError,
    distinct, feasible_near, feasible_sample,
};
use nasmyth_space::{Genotype, Scale};
use rand::RngExt;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "tpe",
    doc: "tree-structured Parzen estimator: genes that are frequent in the best trials and rare in the others",
    several: true,
    settings: &[
        SettingKind {
            name: "start",
            doc: "networks drawn at random at the start, and trials that a rung's model needs",
            setting: Setting::Integer { default: 20, least: 1, most: 100_000 },
        },
        SettingKind {
            name: "gamma",
            doc: "share of the trials that count as good",
            setting: Setting::Number { default: 0.15, least: 0.001, most: 0.999 },
        },
        SettingKind {
            name: "most-good",
            doc: "most trials that count as good",
            setting: Setting::Integer { default: 25, least: 1, most: 1_000_000 },
        },
        SettingKind {
            name: "candidates",
            doc: "values drawn for each gene, of which the most promising is taken",
            setting: Setting::Integer { default: 24, least: 1, most: 10_000 },
        },
        SettingKind {
            name: "random",
            doc: "chance that a network is drawn at random after the start",
            setting: Setting::Number { default: 0.0, least: 0.0, most: 1.0 },
        },
    ],
    build: |settings| Box::new(Tpe::new(settings)),
};

/// Networks composed before the search for a fresh one goes on around the last.
const TRIES: usize = 48;
/// After so many of them the number of candidates is halved: fewer candidates give more different networks.
const HALVING: usize = 8;

/// Densities of good and of bad trials.
#[derive(Clone, Debug)]
pub struct Tpe {
    start: usize,
    gamma: f64,
    most_good: usize,
    candidates: usize,
    random: f64,
    opening: Opening,
    table: Gaussians,
    /// Not yet in `rungs`.
    told: Vec<Completed>,
    /// Trials of each rung, the best first, failed ones last.
    rungs: Rungs<Trial>,
}

#[derive(Clone, Debug)]
struct Trial {
    /// The cell of the gene at each place.
    cells: Vec<Option<u32>>,
    /// Nothing if it failed.
    objectives: Option<Vec<f64>>,
}

/// The densities l and g of a gene.
struct Densities {
    scale: Scale,
    good: Parzen,
    bad: Parzen,
}

impl Tpe {
    /// From the settings of `tpe`.
    pub fn new(settings: &Settings) -> Self {
        Self {
            start: settings.count("start"),
            gamma: settings.number("gamma"),
            most_good: settings.count("most-good"),
            candidates: settings.count("candidates"),
            random: settings.number("random"),
            opening: Opening::new(settings.count("start")),
            table: Gaussians::new(),
            told: Vec::new(),
            rungs: Rungs::new(),
        }
    }

    /// Puts what was told in its order.
    fn learn(&mut self, problem: &Problem<'_>) {
        let scales = problem.space.scales();
        for done in self.told.drain(..) {
            let genes = problem.space.by_place(&done.genotype);
            let cells = genes.iter().zip(&scales).map(|(gene, &scale)| gene.map(|gene| cell(scale, gene)));
            let trial = Trial { cells: cells.collect(), objectives: done.objectives() };
            let rank = |t: &Trial| t.objectives.as_ref().map_or(f64::NEG_INFINITY, |o| o[0]);
            let trials = self.rungs.at(done.fidelity.rung);
            let at = trials.partition_point(|t| rank(t).total_cmp(&rank(&trial)).is_ge());
            trials.insert(at, trial);
        }
    }

    /// The trials that the model is of: those of the highest rung with enough of them.
    fn trials(&self) -> &[Trial] {
        self.rungs.highest(self.start)
    }

    /// The same, the best first by weights drawn anew, and how many of them have values.
    fn ranked(&self, rng: &mut Rng) -> (Vec<&Trial>, usize) {
        let mut trials: Vec<&Trial> = self.trials().iter().collect();
        let points: Vec<&[f64]> = trials.iter().filter_map(|t| t.objectives.as_deref()).collect();
        let succeeded = points.len();
        if points.first().is_some_and(|p| p.len() > 1) {
            let values = scalarised(&points, rng);
            let mut order: Vec<usize> = (0..succeeded).collect();
            order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
            let failed = trials.split_off(succeeded);
            trials = order.into_iter().map(|i| trials[i]).chain(failed).collect();
        }
        (trials, succeeded)
    }

    /// Both densities of every place.
    fn densities(&self, problem: &Problem<'_>, rng: &mut Rng) -> Vec<Densities> {
        let (trials, succeeded) = self.ranked(rng);
        let good = (self.gamma * succeeded as f64).ceil() as usize;
        let (good, bad) = trials.split_at(good.min(self.most_good));
        let density = |trials: &[&Trial], place: usize, scale: Scale| {
            let mut counts = vec![0; cells(scale) as usize];
            trials.iter().filter_map(|t| t.cells[place]).for_each(|cell| counts[cell as usize] += 1);
            Parzen::new(&self.table, scale, &counts)
        };
        let scales = problem.space.scales().into_iter().enumerate();
        scales
            .map(|(place, scale)| Densities {
                scale,
                good: density(good, place, scale),
                bad: density(bad, place, scale),
            })
            .collect()
    }

    fn propose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        if let Some(proposal) = self.opening.next(problem, rng) {
            return Some(proposal);
        }
        let guided = !rng.random_bool(self.random) && !self.trials().is_empty();
        if let Some(genotype) = guided.then(|| self.promising(problem, rng)).flatten() {
            return Some(Proposal { genotype, origin: Origin::Model, parent: None });
        }
        feasible_sample(problem, rng).map(Proposal::random)
    }

    fn promising(&self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Genotype> {
        let densities = self.densities(problem, rng);
        let mut last = None;
        for attempt in 0..TRIES {
            let candidates = (self.candidates >> (attempt / HALVING)).max(1);
            let genotype = problem.space.compose(|place| {
                let densities = &densities[place];
                gene(densities.scale, densities.best(candidates, rng), rng)
            });
            if problem.fresh(&genotype) {
                return Some(genotype);
            }
            last = Some(genotype);
        }
        feasible_near(problem, &last?, rng)
    }
}

impl Densities {
    /// Of so many cells drawn from l, the first with the largest l/g.
    fn best(&self, candidates: usize, rng: &mut Rng) -> u32 {
        let mut best = (0, f32::NEG_INFINITY);
        for _ in 0..candidates {
            let cell = self.good.sample(rng);
            let ratio = self.good.probability(cell) / self.bad.probability(cell);
            if ratio > best.1 {
                best = (cell, ratio);
            }
        }
        best.0
    }
}

impl Strategy for Tpe {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        self.learn(problem);
        Ok(distinct(problem, n, |problem| self.propose(problem, rng)))
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        self.told.extend_from_slice(done);
        Ok(())
    }
}
