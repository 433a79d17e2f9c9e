//! What strategies with a model of the results have in common: when to draw at random, what to choose from, what is still open.
//!
//! The loop is that of White, Neiswanger and Savani (2021, "BANANAS", algorithm 1): random networks first, then again and again a model
//! of all results, a pool of mutated and random candidates, and the candidate that the model's acquisition prefers. Several objectives
//! become one by weights that are drawn anew each time (Knowles 2006, "ParEGO").

use crate::pareto::scalarised;
use crate::{Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Settings, Strategy};
use crate::{StrategyError, distinct, feasible_sample};
use nasmyth_space::{Genotype, Space};
use rand::RngExt;
use std::collections::{HashSet, VecDeque};

/// Trials that a model is fitted to at most: the better half of them, and the latest.
const MOST: usize = 300;
/// Chance that a mutated candidate is mutated once more.
const AGAIN: f64 = 0.5;
/// Draws for each candidate of the pool before it stays empty.
const TRIES: usize = 2;
/// Candidates whose mutations are drawn in a round, in turn; the draws of a round are this part of the pool's size.
const CLIMBERS: usize = 5;
const STEPS: usize = 4;

/// A trial with a value.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub trial: u64,
    pub genotype: Genotype,
    pub value: f64,
}

/// A trial with its objectives.
struct Told {
    trial: u64,
    genotype: Genotype,
    objectives: Vec<f64>,
}

/// What the model may learn from.
pub(crate) struct Evidence<'a> {
    pub space: &'a Space,
    /// Trials with values, at least two.
    pub known: &'a [&'a Known],
    /// Proposed, but not told yet.
    pub open: &'a [Genotype],
}

/// A model with its acquisition.
pub(crate) trait Model: Send {
    /// Refuses a space that it cannot read.
    fn check(&self, _space: &Space) -> Result<(), StrategyError> {
        Ok(())
    }

    /// For each candidate of the pool how much it is worth trying; none if there is nothing to learn from.
    fn acquire(&mut self, evidence: &Evidence<'_>, pool: &[Genotype], rng: &mut Rng) -> Option<Vec<f64>>;

    /// Rounds in which mutations of the best candidates become candidates too. For models that give a candidate the same worth again.
    const ROUNDS: usize = 0;

    /// Up to `n` of the pool to try at the same time; none if the model knows nothing better than one after the other.
    fn batch(
        &mut self,
        _evidence: &Evidence<'_>,
        _pool: &[Genotype],
        _n: usize,
        _rng: &mut Rng,
    ) -> Option<Vec<usize>> {
        None
    }
}

/// Different genotypes that may be proposed, and the trial that each was made from.
#[derive(Default)]
struct Pool {
    genotypes: Vec<Genotype>,
    parents: Vec<Option<u64>>,
    seen: HashSet<Genotype>,
}

impl Pool {
    /// Adds a genotype that is new and may be proposed.
    fn add(&mut self, problem: &Problem<'_>, genotype: Genotype, parent: Option<u64>) {
        if self.seen.insert(genotype.clone()) && problem.fresh(&genotype) {
            self.genotypes.push(genotype);
            self.parents.push(parent);
        }
    }

    fn proposal(&self, at: usize) -> Proposal {
        Proposal { genotype: self.genotypes[at].clone(), origin: Origin::Model, parent: self.parents[at] }
    }
}

/// Settings of the loop; the pool is half mutated, half random.
pub(crate) const SETTINGS: [SettingKind; 3] = [
    SettingKind {
        name: "start",
        doc: "networks drawn at random at the start",
        setting: Setting::Integer { default: 10, least: 2, most: 100_000 },
    },
    SettingKind {
        name: "pool",
        doc: "candidates that the model chooses from",
        setting: Setting::Integer { default: 200, least: 2, most: 100_000 },
    },
    SettingKind {
        name: "parents",
        doc: "best networks whose mutations are candidates",
        setting: Setting::Integer { default: 10, least: 1, most: 100_000 },
    },
];

/// Setting of models that know what to try at the same time.
pub(crate) const BATCH: SettingKind = SettingKind {
    name: "batch",
    doc: "networks that are chosen together, to be good and to differ; 1: one after the other",
    setting: Setting::Integer { default: 1, least: 1, most: 1_000 },
};

/// A strategy around a model.
pub(crate) struct ModelBased<M> {
    model: M,
    start: usize,
    pool: usize,
    parents: usize,
    /// Random proposals made so far.
    drawn: usize,
    /// In the order of trials.
    told: Vec<Told>,
    /// Proposed or in the queue, and not told yet.
    open: Vec<Genotype>,
    /// Networks that are chosen together.
    batch: usize,
    /// What is left of the last batch.
    queue: VecDeque<Proposal>,
}

impl<M: Model> ModelBased<M> {
    pub fn new(model: M, settings: &Settings) -> Self {
        let [start, pool, parents] = ["start", "pool", "parents"].map(|name| settings.count(name));
        let (told, open, queue) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { model, start, pool, parents, drawn: 0, told, open, batch: 1, queue }
    }

    /// Chooses so many networks together, however few are asked for at a time.
    pub fn in_batches(mut self, batch: usize) -> Self {
        self.batch = batch;
        self
    }

    /// What is left of the last batch and may still be proposed.
    fn queued(&mut self, problem: &Problem<'_>) -> Option<Proposal> {
        while let Some(proposal) = self.queue.pop_front() {
            if problem.fresh(&proposal.genotype) {
                return Some(proposal);
            }
            self.close(&proposal.genotype);
        }
        None
    }

    fn close(&mut self, genotype: &Genotype) {
        if let Some(at) = self.open.iter().position(|open| open == genotype) {
            self.open.remove(at);
        }
    }

    fn propose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        let chosen = if self.drawn < self.start { None } else { self.choose(problem, rng) };
        let proposal = match chosen {
            Some(chosen) => chosen,
            None => {
                self.drawn += 1;
                Proposal::random(feasible_sample(problem, rng)?)
            }
        };
        self.open.push(proposal.genotype.clone());
        Some(proposal)
    }

    /// The best candidate of the pool; the first among equals.
    fn choose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        let known = self.known(rng)?;
        let mut pool = self.candidates(problem, &known, rng);
        let known = learned(&known);
        let evidence = Evidence { space: problem.space, known: &known, open: &self.open };
        let mut worth = self.model.acquire(&evidence, &pool.genotypes, rng)?;
        for _ in 0..M::ROUNDS {
            let old = pool.genotypes.len();
            extend(&mut pool, &worth, self.pool / STEPS, problem, rng);
            worth.extend(self.model.acquire(&evidence, &pool.genotypes[old..], rng)?);
        }
        let best = (0..worth.len()).rev().max_by(|&a, &b| worth[a].total_cmp(&worth[b]))?;
        Some(pool.proposal(best))
    }

    /// What the model wants to try at the same time; nothing if it takes one after the other, or at the start.
    fn batch(&mut self, problem: &Problem<'_>, n: usize, rng: &mut Rng) -> Vec<Proposal> {
        if n < 2 || self.drawn < self.start {
            return Vec::new();
        }
        let Some(known) = self.known(rng) else { return Vec::new() };
        let pool = self.candidates(problem, &known, rng);
        let known = learned(&known);
        let evidence = Evidence { space: problem.space, known: &known, open: &self.open };
        let chosen = self.model.batch(&evidence, &pool.genotypes, n, rng).unwrap_or_default();
        let proposals: Vec<Proposal> = chosen.into_iter().map(|at| pool.proposal(at)).collect();
        self.open.extend(proposals.iter().map(|proposal| proposal.genotype.clone()));
        proposals
    }

    /// What was told, with one value each; nothing with fewer than two trials.
    fn known(&self, rng: &mut Rng) -> Option<Vec<Known>> {
        let objectives: Vec<&[f64]> = self.told.iter().map(|told| told.objectives.as_slice()).collect();
        let values = scalarised(&objectives, rng).into_iter();
        let known =
            |(told, value): (&Told, f64)| Known { trial: told.trial, genotype: told.genotype.clone(), value };
        (self.told.len() >= 2).then(|| self.told.iter().zip(values).map(known).collect())
    }

    /// Mutations of the best trials and random genotypes.
    fn candidates(&self, problem: &Problem<'_>, known: &[Known], rng: &mut Rng) -> Pool {
        let mut best: Vec<&Known> = known.iter().collect();
        best.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.trial.cmp(&b.trial)));
        best.truncate(self.parents);
        let mut pool = Pool::default();
        for i in 0..self.pool * TRIES {
            let parent = (i % 2 == 0).then(|| best[rng.random_range(0..best.len())]);
            let genotype = match parent {
                Some(parent) => mutated(problem.space, &parent.genotype, rng),
                None => problem.space.sample(rng),
            };
            pool.add(problem, genotype, parent.map(|parent| parent.trial));
            if pool.genotypes.len() == self.pool {
                break;
            }
        }
        pool
    }
}

/// Adds mutations of the candidates that are worth most, after so many draws.
fn extend(pool: &mut Pool, worth: &[f64], draws: usize, problem: &Problem<'_>, rng: &mut Rng) {
    let mut order: Vec<usize> = (0..worth.len()).collect();
    order.sort_by(|&a, &b| worth[b].total_cmp(&worth[a]));
    order.truncate(CLIMBERS);
    for i in (0..draws).map(|draw| draw % order.len().max(1)) {
        let Some(&from) = order.get(i) else { return };
        let genotype = problem.space.mutate(&pool.genotypes[from], rng);
        pool.add(problem, genotype, pool.parents[from]);
    }
}

/// One mutation, and further ones with half the chance each.
fn mutated(space: &Space, parent: &Genotype, rng: &mut Rng) -> Genotype {
    let mut child = space.mutate(parent, rng);
    while rng.random_bool(AGAIN) {
        child = space.mutate(&child, rng);
    }
    child
}

/// All trials, or where they are too many the best and the latest.
pub(crate) fn learned(known: &[Known]) -> Vec<&Known> {
    if known.len() <= MOST {
        return known.iter().collect();
    }
    let (old, late) = known.split_at(known.len() - MOST / 2);
    let mut old: Vec<&Known> = old.iter().collect();
    old.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.trial.cmp(&b.trial)));
    old.into_iter().take(MOST / 2).chain(late).collect()
}

impl<M: Model> Strategy for ModelBased<M> {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        self.model.check(problem.space)?;
        let mut proposals: Vec<Proposal> = std::iter::from_fn(|| self.queued(problem)).take(n).collect();
        if proposals.len() < n {
            let known = |g: &Genotype| proposals.iter().any(|p| p.genotype == *g) || (problem.known)(g);
            let rest = n - proposals.len();
            let batch = self.batch(&Problem { known: &known, ..*problem }, rest.max(self.batch), rng);
            self.queue.extend(batch);
            proposals.extend(self.queue.drain(..rest.min(self.queue.len())));
        }
        let known = |g: &Genotype| proposals.iter().any(|p| p.genotype == *g) || (problem.known)(g);
        let problem = Problem { known: &known, ..*problem };
        let others = distinct(&problem, n - proposals.len(), |problem| self.propose(problem, rng));
        proposals.extend(others);
        Ok(proposals)
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        for trial in done.iter().filter(|trial| trial.fidelity.rung == 0) {
            self.close(&trial.genotype);
            if let Some(objectives) = trial.objectives() {
                self.told.push(Told { trial: trial.trial, genotype: trial.genotype.clone(), objectives });
            }
        }
        Ok(())
    }
}
