//! Which options of a space are worth no more training.
//!
//! Chen, Fu and Ling: "One-Shot Neural Ensemble Architecture Search by Diversity-Guided Search Space Shrinking", CVPR 2021: options are kept
//! for their potential, how good networks with them are, and for the diversity of outputs that they bring to an ensemble. Of a space of
//! ensembles the networks of single members are looked at, which take their weights from the same bank, and what is dropped is dropped in
//! all members.

use super::sampling::{Admit, numbered, uniform};
use super::split::{around, set, with_gene};
use super::{Judge, OneShot, OneShotError, ShrinkPlan, Supernet};
use crate::sanity::possible;
use nasmyth_data::{Subset, Task as DataTask};
use nasmyth_estimator::StopFlag;
use nasmyth_space::{Gene, Genotype, Space, Value};
use nasmyth_train::{TrainError, predict};
use std::collections::HashSet;

/// Networks around which the outputs of a gene's options are compared.
const AROUND: u64 = 2;

/// Batches that statistics of batch norms are measured on here, at most: hundreds of networks are compared with each other, none is chosen.
const CALIBRATION: usize = 2;

/// Number of the first draw of a random network: not what the training itself draws first.
const FIRST_DRAW: u64 = 1 << 62;

/// The options to leave out of what is sampled: of each unordered gene all but the best by potential and diversity.
pub(super) fn weakest(
    supernet: &Supernet<'_>,
    plan: &ShrinkPlan,
    stop: &StopFlag,
) -> Result<Vec<String>, OneShotError> {
    let whole = supernet.task().space;
    let space = &present(whole)?;
    let settings = quick(supernet.settings());
    let survey = Survey { judge: supernet.judge_in(space, &settings), space, stop };
    let genes = genes(space, plan);
    let networks = match genes.is_empty() {
        true => Vec::new(),
        false => survey.networks(plan.networks, supernet)?,
    };
    let mut dropped = Vec::new();
    for (place, path, options) in genes {
        let potential = standardised(&potential(space, place, options.len(), &networks));
        let diversity = standardised(&survey.diversity(place, options.len())?);
        let score = |option: usize| potential[option] + plan.diversity * diversity[option];
        let mut order: Vec<usize> = (0..options.len()).collect();
        order.sort_by(|&a, &b| score(b).total_cmp(&score(a))); // stable
        let mut last = order.split_off(plan.keep);
        last.sort_unstable();
        dropped.extend(last.into_iter().map(|option| format!("{path}={}", options[option])));
    }
    let dropped = possible(whole, dropped.iter().flat_map(|option| whole.in_members(option)));
    let keeps_limits = match supernet.admit() {
        Some(admit) => some_network(&whole.without(&dropped)?, supernet.task().seed, admit),
        None => true,
    };
    Ok(if keeps_limits { dropped } else { Vec::new() })
}

/// Whether a network that may be trained turns up.
fn some_network(space: &Space, seed: u64, admit: Admit<'_>) -> bool {
    let drawn = uniform(space, &mut numbered(seed, FIRST_DRAW), Some(admit));
    space.lower(&drawn).ok().and_then(|graph| graph.verify().ok()).is_some_and(|graph| admit(&graph))
}

/// The space of the members, without the options that no member has any more.
fn present(whole: &Space) -> Result<Space, OneShotError> {
    let options = |space: &Space| -> Vec<String> {
        let genes = space.genes().enumerate().filter_map(|(place, g)| Some((g.path, space.options(place)?)));
        genes.flat_map(|(path, options)| options.into_iter().map(move |o| format!("{path}={o}"))).collect()
    };
    let left: HashSet<String> = options(whole).into_iter().collect();
    let absent = options(whole.base()).into_iter().filter(|option| {
        let members = whole.in_members(option);
        members.iter().all(|own| !left.contains(own))
    });
    Ok(whole.base().without(&absent.collect::<Vec<_>>())?)
}

/// What finding them takes, in steps of the training: a network costs about a step for each batch that its statistics are measured on, and
/// one for its outputs.
pub(super) fn steps(space: &Space, settings: &OneShot) -> u64 {
    let Some(plan) = &settings.shrinking else { return 0 };
    let compared: u64 = genes(space.base(), plan).iter().map(|(_, _, options)| options.len() as u64).sum();
    (plan.networks as u64 + AROUND * compared) * (quick(settings).calibration as u64 + 1)
}

fn quick(settings: &OneShot) -> OneShot {
    OneShot { calibration: settings.calibration.min(CALIBRATION), ..settings.clone() }
}

/// Place, path and options of each unordered gene that has more options than stay.
fn genes(space: &Space, plan: &ShrinkPlan) -> Vec<(usize, String, Vec<Value>)> {
    let genes = space.genes().enumerate();
    let options = genes.filter_map(|(place, gene)| Some((place, gene.path, space.options(place)?)));
    options.filter(|(_, _, options)| options.len() > plan.keep).collect()
}

/// Networks that are judged with the weights as they are.
struct Survey<'a> {
    judge: Judge<'a>,
    space: &'a Space,
    stop: &'a StopFlag,
}

impl Survey<'_> {
    /// Random networks and their quality on a batch of validation samples; one that is not finite counts as the worst of all.
    fn networks(&self, count: usize, supernet: &Supernet<'_>) -> Result<Vec<(Genotype, f64)>, OneShotError> {
        let mut networks = Vec::new();
        for i in 0..count as u64 {
            self.check()?;
            let mut rng = numbered(self.judge.task.seed, FIRST_DRAW + i);
            let genotype = uniform(self.space, &mut rng, supernet.admit());
            let value = self.judge.judge(&genotype, self.samples())?.value();
            networks.push((genotype, value));
        }
        let worst = networks.iter().map(|n| n.1).filter(|v| v.is_finite()).fold(f64::INFINITY, f64::min);
        let worst = if worst.is_finite() { worst } else { 0.0 };
        networks.iter_mut().filter(|n| !n.1.is_finite()).for_each(|n| n.1 = worst);
        Ok(networks)
    }

    /// For each option of a gene the mean divergence of its network's outputs from those of the other options, in networks that differ in this
    /// gene only.
    fn diversity(&self, place: usize, options: usize) -> Result<Vec<f64>, OneShotError> {
        let mut mean = vec![0.0; options];
        for round in 0..AROUND {
            let base = with_gene(self.space, place, &mut around(&self.judge.task, place, round));
            let at = |option| self.outputs(&set(self.space, &base, place, option as u32));
            let outputs = (0..options).map(at).collect::<Result<Vec<_>, _>>()?;
            let task = self.judge.task.data.task();
            for (a, b) in (0..options).flat_map(|a| (0..options).map(move |b| (a, b))).filter(|(a, b)| a != b)
            {
                mean[a] +=
                    divergence(task, &outputs[a], &outputs[b]) / (AROUND as usize * (options - 1)) as f64;
            }
        }
        Ok(mean)
    }

    fn outputs(&self, genotype: &Genotype) -> Result<Vec<f32>, OneShotError> {
        self.check()?;
        let (graph, params) = self.judge.network(genotype)?;
        let data = self.judge.task.data;
        let read = |i: usize, x: &mut [f32]| data.read(Subset::Valid, i, x);
        Ok(predict(&graph, &params, self.samples(), &self.judge.engine, read).map_err(TrainError::from)?)
    }

    /// Validation samples that networks are judged on.
    fn samples(&self) -> usize {
        let task = &self.judge.task;
        task.recipe.batch.min(task.data.len(Subset::Valid))
    }

    fn check(&self) -> Result<(), OneShotError> {
        if self.stop.stopped() { Err(TrainError::Interrupted.into()) } else { Ok(()) }
    }
}

/// For each option of a gene the mean quality of the networks that have it; of an option that none has, the worst of the others'.
fn potential(space: &Space, place: usize, options: usize, networks: &[(Genotype, f64)]) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); options];
    for (genotype, value) in networks {
        if let Some(Gene::Index(option)) = space.by_place(genotype)[place] {
            let (sum, count) = &mut sums[option as usize];
            (*sum, *count) = (*sum + value, *count + 1.0);
        }
    }
    let means = || sums.iter().filter(|(_, count)| *count > 0.0).map(|(sum, count)| sum / count);
    let worst = means().reduce(f64::min).unwrap_or(0.0);
    sums.iter().map(|(sum, count)| if *count > 0.0 { sum / count } else { worst }).collect()
}

/// In standard deviations from the mean; all 0 if they are equal.
fn standardised(values: &[f64]) -> Vec<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
    values.iter().map(|v| if deviation > 0.0 { (v - mean) / deviation } else { 0.0 }).collect()
}

/// How far the outputs of two networks are apart, given for the same samples one after the other: of classes the Kullback-Leibler divergence of
/// their probabilities in nats, the mean of both directions and over the samples; of a regression the same of normal distributions
/// of variance 1 around the outputs. Exactly 0 for equal outputs; 0 for outputs that are not finite.
///
/// ```
/// use nasmyth_data::Task;
/// use nasmyth_supernet::one_shot::divergence;
///
/// let task = Task::Classification { classes: vec!["a".to_owned(), "b".to_owned()] };
/// let scores = |p: f32| [p.ln(), (1.0 - p).ln()];
/// assert_eq!(divergence(&task, &scores(0.25), &scores(0.25)), 0.0);
/// assert!((divergence(&task, &scores(0.25), &scores(0.75)) - 0.5 * 3f64.ln()).abs() < 1e-6);
/// ```
pub fn divergence(task: &DataTask, a: &[f32], b: &[f32]) -> f64 {
    let width = task.outputs().max(1);
    let samples = (a.len() / width).max(1) as f64;
    let rows = a.chunks_exact(width).zip(b.chunks_exact(width));
    let sum: f64 = match task {
        DataTask::Classification { .. } => rows.map(|(a, b)| apart(&log_softmax(a), &log_softmax(b))).sum(),
        DataTask::Regression { .. } => {
            rows.flat_map(|(a, b)| a.iter().zip(b)).map(|(a, b)| f64::from(a - b).powi(2) / 2.0).sum()
        }
    };
    Some(sum / samples).filter(|mean| mean.is_finite()).unwrap_or(0.0)
}

/// Half of `KL(p, q) + KL(q, p)`, given the logarithms of `p` and `q`.
fn apart(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| 0.5 * (p.exp() - q.exp()) * (p - q)).sum()
}

fn log_softmax(scores: &[f32]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shifted = || scores.iter().map(|&s| f64::from(s - most));
    let log_sum = shifted().map(f64::exp).sum::<f64>().ln();
    shifted().map(|s| s - log_sum).collect()
}
