//! Local search.
//!
//! White, Nolen and Savani: "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021, algorithm 1: from the best of
//! some random networks to a better neighbour, again and again, until no neighbour is better; then from random networks anew.

use super::StrategyKind;
use crate::opening::Opening;
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Strategy, StrategyError, distinct,
    feasible_sample,
};
use nasmyth_space::Genotype;
use rand::seq::SliceRandom;
use std::collections::BTreeMap;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "local-search",
    doc: "goes to a better neighbour until none is better, then starts anew",
    several: false,
    settings: &[
        SettingKind {
            name: "start",
            doc: "random networks of which the best is where a descent starts",
            setting: Setting::Integer { default: 10, least: 1, most: 100_000 },
        },
        SettingKind {
            name: "steepest",
            doc: "whether all neighbours are tried and the best is taken, not the first that is better",
            setting: Setting::Flag { default: false },
        },
    ],
    build: |settings| Box::new(LocalSearch::new(settings.count("start"), settings.flag("steepest"))),
};

/// Hill climbing with restarts.
#[derive(Clone, Debug)]
pub struct LocalSearch {
    start: usize,
    steepest: bool,
    opening: Opening,
    /// Values of all trials that are over.
    values: BTreeMap<Genotype, Point>,
    /// Where the descent is; nothing while its start is sought.
    at: Option<(Genotype, Point)>,
    /// Neighbours of it that may be tried.
    queue: Vec<Genotype>,
    /// Neighbours that were proposed and are not told yet.
    pending: Vec<Genotype>,
    /// The best neighbour since the last step.
    better: Option<(Genotype, Point)>,
    /// The best random network since the descent began, and how many of them were proposed.
    random: (Option<(Genotype, Point)>, usize),
}

#[derive(Clone, Copy, Debug)]
struct Point {
    trial: u64,
    value: f64,
}

impl LocalSearch {
    /// Starts at the best of `start` networks; goes to the best neighbour if `steepest`, else to the first better one.
    pub fn new(start: usize, steepest: bool) -> Self {
        Self {
            start: start.max(1),
            steepest,
            opening: Opening::new(start),
            values: BTreeMap::new(),
            at: None,
            queue: Vec::new(),
            pending: Vec::new(),
            better: None,
            random: (None, 0),
        }
    }

    fn propose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        while self.step(problem, rng) {}
        if let Some(neighbour) = self.queue.pop() {
            self.pending.push(neighbour.clone());
            let parent = self.at.as_ref().map(|(_, point)| point.trial);
            return Some(Proposal { genotype: neighbour, origin: Origin::Mutation, parent });
        }
        self.random.1 += 1;
        let opening = self.opening.next(problem, rng);
        opening.or_else(|| feasible_sample(problem, rng).map(Proposal::random))
    }

    /// One step of the algorithm, if it can be taken now. Random networks are proposed while it cannot: they count for the next start.
    fn step(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> bool {
        while self.queue.last().is_some_and(|next| !problem.fresh(next)) {
            self.queue.pop();
        }
        let all_tried = self.queue.is_empty();
        match &self.at {
            None if self.random.1 < self.start || self.random.0.is_none() => false,
            None => {
                let start = self.random.0.take();
                self.random.1 = 0;
                self.enter(start, problem, rng)
            }
            Some((_, at)) => {
                let better = self.better.as_ref().is_some_and(|(_, point)| point.value > at.value);
                if better && (all_tried || !self.steepest) {
                    let better = self.better.take();
                    return self.enter(better, problem, rng);
                }
                let optimum = all_tried && self.pending.is_empty();
                if optimum {
                    self.at = None;
                }
                optimum
            }
        }
    }

    /// Goes to a network. Neighbours whose value is known need no trial.
    fn enter(&mut self, to: Option<(Genotype, Point)>, problem: &Problem<'_>, rng: &mut Rng) -> bool {
        let around = to.as_ref().map_or(Vec::new(), |(genotype, _)| problem.space.neighbours(genotype));
        self.at = to;
        self.better = None;
        let known = around.iter().filter_map(|g| Some((g.clone(), *self.values.get(g)?)));
        for neighbour in known.collect::<Vec<_>>() {
            keep_best(&mut self.better, neighbour);
        }
        self.queue = around.into_iter().filter(|g| problem.fresh(g)).collect();
        self.queue.shuffle(rng);
        true
    }
}

fn keep_best(best: &mut Option<(Genotype, Point)>, other: (Genotype, Point)) {
    if best.as_ref().is_none_or(|(_, point)| other.1.value > point.value) {
        *best = Some(other);
    }
}

impl Strategy for LocalSearch {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        Ok(distinct(problem, n, |problem| self.propose(problem, rng)))
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        for done in done {
            let neighbour = self.pending.iter().position(|g| *g == done.genotype);
            neighbour.map(|i| self.pending.swap_remove(i));
            let Ok(value) = done.outcome else { continue };
            if done.fidelity.rung > 0 {
                continue;
            }
            let point = Point { trial: done.trial, value };
            self.values.insert(done.genotype.clone(), point);
            let best = if neighbour.is_some() { &mut self.better } else { &mut self.random.0 };
            keep_best(best, (done.genotype.clone(), point));
        }
        Ok(())
    }
}
