//! Networks drawn in proportion to a reward.
//!
//! Bengio, Jain, Korablyov, Precup and Bengio: "Flow Network based Generative Models for Non-Iterative Diverse Candidate Generation",
//! NeurIPS 2021, section 4: a sampler is trained, without trying any network, until its draws have chances proportional to `exp(R / T)`; its
//! draws are tried, and the model of their values that gives the reward R learns of them. [`Flow`] is the sampler.
//!
//! Networks with a result have that as their reward, and are on the way that the sampler is trained on again and again. What breaks a limit
//! is rejected, and trained to be less likely than the worst.

use super::StrategyKind;
use crate::flow::Flow;
use crate::model_based::Known;
use crate::opening::Opening;
use crate::value_model::{ValueModel, standard};
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Settings, Strategy, StrategyError,
    distinct, feasible_near, feasible_sample,
};
use nasmyth_space::Genotype;
use rand::RngExt;
use std::collections::{HashMap, VecDeque};

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "gflownet",
    doc: "draws networks in proportion to a reward, by a generative flow network and a model of the values",
    several: false,
    settings: &[
        SettingKind {
            name: "start",
            doc: "networks drawn at random at the start",
            setting: Setting::Integer { default: 10, least: 2, most: 100_000 },
        },
        SettingKind {
            name: "temperature",
            doc: "of the reward, in standard deviations of the values",
            setting: Setting::Number { default: 0.25, least: 0.01, most: 100.0 },
        },
        SettingKind {
            name: "exploration",
            doc: "share of genes that are drawn uniformly while the sampler is trained",
            setting: Setting::Number { default: 0.1, least: 0.0, most: 1.0 },
        },
        SettingKind {
            name: "steps",
            doc: "steps of gradient descent whenever there is a tenth more results",
            setting: Setting::Integer { default: 60, least: 1, most: 1_000_000 },
        },
    ],
    build: |settings| Box::new(GFlowNet::new(settings)),
};

/// Genotypes of a step: some drawn by the sampler, some with a result or broken limits.
const DRAWN: usize = 5;
const REPLAYED: usize = 3;
/// Draws before the search for a fresh one goes on around the last.
const TRIES: usize = 50;
/// Latest draws that break a limit, and their reward in standard deviations below the worst.
const REJECTED: usize = 100;
const PENALTY: f64 = 1.0;

/// A sampler, and a model for its rewards.
#[derive(Clone, Debug)]
pub struct GFlowNet {
    temperature: f64,
    exploration: f64,
    steps: usize,
    opening: Opening,
    /// Results, in the order of trials.
    known: Vec<Known>,
    rejected: VecDeque<Genotype>,
    /// The sampler, and the number of results that there were when it was trained.
    trained: Option<(usize, Flow)>,
}

impl GFlowNet {
    /// From the settings of `gflownet`.
    pub fn new(settings: &Settings) -> Self {
        Self {
            temperature: settings.number("temperature"),
            exploration: settings.number("exploration"),
            steps: settings.count("steps"),
            opening: Opening::new(settings.count("start")),
            known: Vec::new(),
            rejected: VecDeque::new(),
            trained: None,
        }
    }

    /// Trains the sampler on, if there is enough that is new.
    fn learn(&mut self, problem: &Problem<'_>, rng: &mut Rng) {
        let results = self.known.len();
        if self.trained.as_ref().is_some_and(|(then, _)| 10 * results < 11 * then) {
            return;
        }
        let Some(model) = ValueModel::fit(problem.space, &self.known, rng) else { return };
        let mut rewards = self.rewards();
        let before = self.trained.take().map(|(_, flow)| flow);
        let mut flow = before.unwrap_or_else(|| Flow::new(problem.space.scales(), rng));
        for _ in 0..self.steps {
            let mut batch: Vec<Genotype> =
                (0..DRAWN).map(|_| flow.sample(problem.space, self.exploration, rng)).collect();
            batch.extend((0..REPLAYED).filter_map(|_| self.replayed(rng).cloned()));
            flow.learn(problem.space, &batch, &mut |genotype| {
                let predict = || model.predict(problem.space, genotype);
                match rewards.get(genotype) {
                    Some(reward) => reward / self.temperature,
                    None => *rewards.entry(genotype.clone()).or_insert_with(predict) / self.temperature,
                }
            });
        }
        self.trained = Some((results, flow));
    }

    /// Of all networks with a result, and of those that break a limit.
    fn rewards(&self) -> HashMap<Genotype, f64> {
        let values = standard(&self.known.iter().map(|known| known.value).collect::<Vec<_>>());
        let worst = values.iter().copied().fold(0.0, f64::min) - PENALTY;
        let known = self.known.iter().map(|known| known.genotype.clone()).zip(values);
        known.chain(self.rejected.iter().map(|genotype| (genotype.clone(), worst))).collect()
    }

    /// One of all networks whose reward is known for sure.
    fn replayed(&self, rng: &mut Rng) -> Option<&Genotype> {
        let (known, rejected) = (self.known.len(), self.rejected.len());
        let at = rng.random_range(0..(known + rejected).max(1));
        self.known.get(at).map(|known| &known.genotype).or_else(|| self.rejected.get(at - known))
    }

    fn propose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        if let Some(proposal) = self.opening.next(problem, rng) {
            return Some(proposal);
        }
        let drawn = self.drawn(problem, rng);
        let drawn = drawn.map(|genotype| Proposal { genotype, origin: Origin::Model, parent: None });
        drawn.or_else(|| feasible_sample(problem, rng).map(Proposal::random))
    }

    /// A draw of the sampler that may be proposed, or something near to one.
    fn drawn(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Genotype> {
        let (_, flow) = self.trained.as_ref()?;
        let mut last = None;
        for _ in 0..TRIES {
            let genotype = flow.sample(problem.space, 0.0, rng);
            let feasible = problem.feasible(&genotype);
            if feasible && !(problem.known)(&genotype) {
                return Some(genotype);
            }
            if !feasible {
                self.rejected.push_back(genotype.clone());
                let most = self.rejected.len().min(REJECTED);
                self.rejected.drain(..self.rejected.len() - most);
            }
            last = Some(genotype);
        }
        feasible_near(problem, &last?, rng)
    }
}

impl Strategy for GFlowNet {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        self.learn(problem, rng);
        Ok(distinct(problem, n, |problem| self.propose(problem, rng)))
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        for trial in done.iter().filter(|trial| trial.fidelity.rung == 0) {
            if let Ok(value) = trial.outcome {
                self.known.push(Known { trial: trial.trial, genotype: trial.genotype.clone(), value });
            }
        }
        Ok(())
    }
}
