//! What every strategy must keep, as functions that any crate can call on a strategy of its own.
//!
//! [`check`] runs all of them on small spaces with an artificial value, in well under a second.

use crate::{Completed, Fidelity, Problem, Proposal, Rng, Strategy, StrategyError};
use nasmyth_graph::ops::{Activation, Function, Linear};
use nasmyth_space::{Context, Genotype, Network, Reader, Space, SpaceError, Tree};
use rand::SeedableRng;
use std::cell::RefCell;
use std::collections::HashSet;
use thiserror::Error;

/// Makes a fresh strategy.
pub type Build<'a> = &'a dyn Fn() -> Result<Box<dyn Strategy>, StrategyError>;

/// A rule that the strategy does not keep.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Broken {
    /// The strategy returned an error.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A space of the suite could not be made.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// A rule of the contract.
    #[error("the strategy {rule}: {detail}")]
    Rule {
        /// What it did.
        rule: &'static str,
        /// Where.
        detail: String,
    },
}

fn broken<T>(rule: &'static str, detail: impl Into<String>) -> Result<T, Broken> {
    Err(Broken::Rule { rule, detail: detail.into() })
}

/// Runs the whole suite.
///
/// # Errors
/// The first rule that is broken.
pub fn check(build: Build<'_>) -> Result<(), Broken> {
    proposes_only_what_is_asked_for(build)?;
    same_seed_same_trials(build)?;
    survives_failures(build)?;
    exhausts_a_tiny_space(build)?;
    resumes_by_replay(build)?;
    takes_further_objectives(build)
}

/// Never a genotype that is invalid, infeasible or known.
pub fn proposes_only_what_is_asked_for(build: Build<'_>) -> Result<(), Broken> {
    let space = space(1..=4)?;
    let mut run = Run::new(&space, build()?, 1, |trial| trial % 7 != 3);
    for _ in 0..120 {
        if run.step(1)?.is_empty() {
            return broken(
                "stopped although the space holds more",
                format!("after {} trials", run.done.len()),
            );
        }
    }
    run.step(5).map(drop)
}

/// The same seed and the same results give the same trials.
pub fn same_seed_same_trials(build: Build<'_>) -> Result<(), Broken> {
    let space = space(1..=4)?;
    let trials = |seed| -> Result<Vec<Genotype>, Broken> {
        let mut run = Run::new(&space, build()?, seed, |_| true);
        (0..80).try_for_each(|_| run.step(1).map(drop))?;
        Ok(run.done)
    };
    if trials(5)? != trials(5)? {
        return broken("gave other trials for the same seed", "two runs of 80 trials with seed 5 differ");
    }
    Ok(())
}

/// Goes on when every trial fails.
pub fn survives_failures(build: Build<'_>) -> Result<(), Broken> {
    let space = space(1..=4)?;
    let mut run = Run::new(&space, build()?, 2, |_| false);
    for trial in 0..80 {
        if run.step(1)?.is_empty() {
            return broken("gave up because trials failed", format!("after {trial} trials"));
        }
    }
    Ok(())
}

/// Proposes every feasible genotype of a tiny space once and then says that there is none left.
pub fn exhausts_a_tiny_space(build: Build<'_>) -> Result<(), Broken> {
    let space = space(1..=1)?;
    let all = space.enumerate().filter(|g| violation(&space, g) <= 0.0);
    let expected = all.map(|g| hash(&space, &g)).collect::<HashSet<_>>().len();
    let mut run = Run::new(&space, build()?, 3, |trial| trial % 5 != 1);
    while run.done.len() <= expected && !run.step(1)?.is_empty() {}
    if run.done.len() != expected {
        let detail = format!("{} of {expected} feasible networks were tried", run.done.len());
        return broken("did not exhaust a tiny space", detail);
    }
    Ok(())
}

/// A fresh strategy that is asked and told the same goes on in the same way.
pub fn resumes_by_replay(build: Build<'_>) -> Result<(), Broken> {
    let space = space(1..=4)?;
    let fails = |trial: u64| !trial.is_multiple_of(4);
    let mut whole = Run::new(&space, build()?, 9, fails);
    (0..60).try_for_each(|_| whole.step(1).map(drop))?;
    let mut resumed = Run::new(&space, build()?, 9, fails);
    for step in 0..60 {
        let again = resumed.step(1)?;
        if again.first().map(|p| &p.genotype) != whole.done.get(step) {
            return broken("does not resume by replay", format!("trial {step} differs"));
        }
    }
    Ok(())
}

/// Keeps its contract where there are further objectives, whether it makes use of them or not.
pub fn takes_further_objectives(build: Build<'_>) -> Result<(), Broken> {
    let space = space(1..=4)?;
    let trials = || -> Result<Vec<Genotype>, Broken> {
        let mut run = Run::new(&space, build()?, 4, |trial| trial % 6 != 2).with_costs();
        for trial in 0..80 {
            if run.step(1)?.is_empty() {
                return broken("stopped although the space holds more", format!("after {trial} trials"));
            }
        }
        Ok(run.done)
    };
    if trials()? != trials()? {
        return broken("gave other trials for the same seed", "two runs with two objectives differ");
    }
    Ok(())
}

/// Dense networks with a number of layers in the range: 24 or 346,200 of them, of which the smaller ones keep the limit.
fn space(layers: std::ops::RangeInclusive<usize>) -> Result<Space, SpaceError> {
    let layer = Tree::group([
        Tree::choice("width", [4, 6, 8, 12, 16, 24, 32, 48]),
        Tree::choice("act", ["relu", "silu", "tanh"]),
    ]);
    let context = Context::table(4, 3);
    Space::new("conformance", "Dense layers.", Tree::repeat("layers", layers, layer), move |genes| {
        let mut net = Network::begin("conformance", &context)?;
        genes.repeat("layers")?.iter().try_for_each(|layer| dense(&mut net, layer))?;
        net.finish()
    })
}

fn dense(net: &mut Network, layer: &Reader<'_>) -> Result<(), SpaceError> {
    net.push(Linear::new(layer.size("width")?))?;
    let act = layer.word("act")?;
    net.push(Activation(Function::from_name(&act).unwrap_or(Function::Relu)))?;
    Ok(())
}

/// Infinity where there is no network, and beyond 200 parameters how far.
fn violation(space: &Space, genotype: &Genotype) -> f64 {
    (params(space, genotype) / 200.0 - 1.0).max(0.0)
}

fn params(space: &Space, genotype: &Genotype) -> f64 {
    let graph = space.lower(genotype).ok().and_then(|graph| graph.verify().ok());
    graph.map_or(f64::INFINITY, |graph| graph.params() as f64)
}

/// The further objectives.
fn costs(space: &Space, costly: bool, genotype: &Genotype) -> Vec<f64> {
    if costly { vec![params(space, genotype)] } else { Vec::new() }
}

fn hash(space: &Space, genotype: &Genotype) -> u128 {
    let graph = space.lower(genotype).ok().and_then(|graph| graph.verify().ok());
    graph.map_or(0, |graph| graph.canonical_hash())
}

/// A search without a study: asks, checks, and tells four trials later.
struct Run<'a> {
    space: &'a Space,
    strategy: Box<dyn Strategy>,
    seed: u64,
    succeeds: fn(u64) -> bool,
    /// Whether the number of parameters is an objective.
    costly: bool,
    known: RefCell<HashSet<u128>>,
    done: Vec<Genotype>,
    told: usize,
}

impl<'a> Run<'a> {
    fn new(space: &'a Space, strategy: Box<dyn Strategy>, seed: u64, succeeds: fn(u64) -> bool) -> Self {
        let known = RefCell::default();
        Self { space, strategy, seed, succeeds, costly: false, known, done: Vec::new(), told: 0 }
    }

    fn with_costs(self) -> Self {
        Self { costly: true, ..self }
    }

    fn step(&mut self, n: usize) -> Result<Vec<Proposal>, Broken> {
        let violation = |g: &Genotype| violation(self.space, g);
        let known = |g: &Genotype| self.known.borrow().contains(&hash(self.space, g));
        let costs = |g: &Genotype| costs(self.space, self.costly, g);
        let problem = Problem { space: self.space, violation: &violation, known: &known, costs: &costs };
        let mut rng = Rng::seed_from_u64(self.seed * 1_000_003 + self.done.len() as u64);
        let proposals = self.strategy.ask(&problem, n, &mut rng)?;
        if proposals.len() > n {
            return broken("proposed more than it was asked for", format!("{} for {n}", proposals.len()));
        }
        for proposal in &proposals {
            check_proposal(&problem, proposal, self.done.len())?;
            self.known.borrow_mut().insert(hash(self.space, &proposal.genotype));
            self.done.push(proposal.genotype.clone());
        }
        self.tell()?;
        Ok(proposals)
    }

    fn tell(&mut self) -> Result<(), Broken> {
        while self.told + 4 < self.done.len() {
            let (trial, genotype) = (self.told as u64, self.done[self.told].clone());
            let value = (hash(self.space, &genotype) % 1000) as f64;
            let outcome = if (self.succeeds)(trial) { Ok(value) } else { Err(()) };
            let fidelity = Fidelity { rung: 0, epochs: 1.0 };
            let costs = costs(self.space, self.costly, &genotype);
            self.strategy.tell(&[Completed { trial, genotype, fidelity, outcome, costs }])?;
            self.told += 1;
        }
        Ok(())
    }
}

fn check_proposal(problem: &Problem<'_>, proposal: &Proposal, trial: usize) -> Result<(), Broken> {
    let genotype = &proposal.genotype;
    let detail = || format!("trial {trial}, genotype {genotype}");
    if problem.space.validate(genotype).is_err() {
        return broken("proposed a genotype that is not of the space", detail());
    }
    if !problem.feasible(genotype) {
        return broken("proposed an infeasible genotype", detail());
    }
    if (problem.known)(genotype) {
        return broken("proposed a known genotype", detail());
    }
    if proposal.parent.is_some_and(|parent| parent >= trial as u64) {
        return broken("named a parent that does not exist", detail());
    }
    Ok(())
}
