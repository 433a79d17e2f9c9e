//! One strategy with one seed on a benchmark.

use crate::statistics::mixed;
use crate::{BenchError, Benchmark};
use nasmyth_space::Genotype;
use nasmyth_strategy::pareto::dominates;
use nasmyth_strategy::{Completed, Next, Problem, Rng, Scheduler, Strategy};
use rand::SeedableRng;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// When a replay ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Evaluations, at whatever effort.
    pub trials: usize,
    /// Trials that run at the same time: so many are proposed before the first is told.
    pub parallel: usize,
}

/// Which networks count as the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Those of one class: a strategy never proposes two of them.
    Class,
    /// Only those of one genotype. Of several proposals of a class the first is evaluated, the others are answered from the cache.
    Genotype,
    /// None: strategies may propose what they have proposed before, as most are published; the cache answers.
    None,
}

/// A trial that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// What was tried.
    pub genotype: Genotype,
    /// Effort, from 0.
    pub effort: usize,
    /// What the strategy was told; nothing where the table has no value.
    pub signal: Option<f64>,
    /// Quality of the network with the best signal of the highest effort so far, or of all that no other beats in signal and costs; the
    /// strategy never sees it.
    pub incumbent: Option<f64>,
    /// Simulated seconds so far.
    pub seconds: f64,
    /// Whether the class was evaluated before.
    pub cached: bool,
}

/// What a strategy did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replay {
    /// Its trials, in order.
    pub evaluations: Vec<Evaluation>,
    /// Time that the strategy itself took.
    pub thinking: Duration,
}

/// What a search would recommend: the networks of one effort that no other beats.
#[derive(Clone, Default)]
struct Incumbents {
    /// Signal and negative costs of each.
    points: Vec<Vec<f64>>,
    genotypes: Vec<Genotype>,
    quality: Option<f64>,
}

impl Incumbents {
    fn offer(&mut self, point: Vec<f64>, genotype: &Genotype, benchmark: &dyn Benchmark) {
        if self.points.iter().any(|p| *p == point || dominates(p, &point)) {
            return;
        }
        let keep: Vec<bool> = self.points.iter().map(|p| !dominates(&point, p)).collect();
        let mut kept = keep.iter();
        self.points.retain(|_| kept.next() == Some(&true));
        let mut kept = keep.iter();
        self.genotypes.retain(|_| kept.next() == Some(&true));
        self.points.push(point);
        self.genotypes.push(genotype.clone());
        self.quality = benchmark.quality(&self.genotypes.iter().collect::<Vec<_>>());
    }
}

/// Runs a strategy until the budget is spent or nothing is left to propose. Proposals, answers and randomness depend on the seed only.
///
/// # Errors
/// A strategy that fails.
pub fn replay(
    benchmark: &dyn Benchmark,
    mut strategy: Box<dyn Strategy>,
    mut scheduler: Box<dyn Scheduler>,
    budget: Budget,
    identity: Identity,
    seed: u64,
) -> Result<Replay, BenchError> {
    let space = benchmark.space();
    let efforts = benchmark.efforts();
    let seen: RefCell<HashSet<u64>> = RefCell::default();
    let proposed: RefCell<HashSet<Genotype>> = RefCell::default();
    let violation = |g: &Genotype| match benchmark.class(g) {
        Some(_) => 0.0,
        None => f64::INFINITY,
    };
    let known = |g: &Genotype| match identity {
        Identity::Class => benchmark.class(g).is_some_and(|class| seen.borrow().contains(&class)),
        Identity::Genotype => proposed.borrow().contains(g),
        Identity::None => false,
    };
    let costs = |g: &Genotype| benchmark.costs(g);
    let problem = Problem { space, violation: &violation, known: &known, costs: &costs };
    let mut evaluated: HashMap<(u64, usize), Option<f64>> = HashMap::new();
    let mut best = vec![Incumbents::default(); efforts.len()];
    let mut replay = Replay::default();
    let (mut seconds, mut told) = (0.0, 0);
    let mut waiting: Vec<Completed> = Vec::new();
    while replay.evaluations.len() < budget.trials {
        let trial = replay.evaluations.len() as u64;
        let mut rng = Rng::seed_from_u64(mixed(seed, trial));
        let started = Instant::now();
        let next = match told + budget.parallel.max(1) <= replay.evaluations.len() {
            true => Next::Wait,
            false => scheduler.next(strategy.as_mut(), &problem, &mut rng)?,
        };
        replay.thinking += started.elapsed();
        let task = match next {
            Next::Run(task) => task,
            Next::Exhausted if waiting.is_empty() => break,
            Next::Wait if waiting.is_empty() => break,
            Next::Wait | Next::Exhausted => {
                let started = Instant::now();
                scheduler.tell(strategy.as_mut(), &waiting[..1])?;
                replay.thinking += started.elapsed();
                waiting.remove(0);
                told += 1;
                continue;
            }
        };
        let effort = effort_of(&efforts, task.fidelity.epochs);
        let class = benchmark.class(&task.genotype).unwrap_or(u64::MAX);
        seen.borrow_mut().insert(class);
        proposed.borrow_mut().insert(task.genotype.clone());
        let cached = evaluated.contains_key(&(class, effort));
        let signal = *evaluated
            .entry((class, effort))
            .or_insert_with(|| benchmark.signal(&task.genotype, effort, seed));
        if !cached {
            // What is promoted goes on from where it was.
            let spent = task
                .previous
                .map_or(0.0, |before| benchmark.seconds(&task.genotype, effort_of(&efforts, before.epochs)));
            seconds += (benchmark.seconds(&task.genotype, effort) - spent).max(0.0);
        }
        let outcome = signal.ok_or(());
        let costs = benchmark.costs(&task.genotype);
        let completed =
            Completed { trial, genotype: task.genotype.clone(), fidelity: task.fidelity, outcome, costs };
        if let Some(point) = completed.objectives() {
            best[effort].offer(point, &task.genotype, benchmark);
        }
        let incumbent = best.iter().rev().find(|b| !b.points.is_empty()).and_then(|b| b.quality);
        replay.evaluations.push(Evaluation {
            genotype: task.genotype,
            effort,
            signal,
            incumbent,
            seconds,
            cached,
        });
        waiting.push(completed);
    }
    Ok(replay)
}

/// The highest effort of at most so many epochs.
fn effort_of(efforts: &[f64], epochs: f64) -> usize {
    efforts.iter().rposition(|e| *e <= epochs + 1e-9).unwrap_or(0)
}
