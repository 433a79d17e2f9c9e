//! A search strategy of one's own: checked against the contract of strategies, then run on a real search.
//!
//! `cargo run --release -p nasmyth --example strategy -- builtin:mnist1d 16 runs/own-strategy`

use anyhow::{Context, Result};
use nasmyth::data::{OpenOptions, Subset, open};
use nasmyth::engine::Engine;
use nasmyth::estimator::StopFlag;
use nasmyth::space::{Genotype, preset};
use nasmyth::strategy::{
    Completed, Origin, Problem, Proposal, Rng, Strategy, StrategyError, conformance, distinct, feasible_near,
    feasible_sample, scheduler_named,
};
use nasmyth::study::{Budget, Methods, Study, StudyConfig};
use nasmyth::train::{Recipe, TrainingEstimator};
use nasmyth::{Lines, Notice, Observer, context};
use std::path::PathBuf;

/// Stochastic hill climbing: a mutation of the best network so far, after a few random ones (White et al. 2021: "Exploring
/// the Loss Landscape in Neural Architecture Search", on local search).
struct HillClimbing {
    random_left: usize,
    best: Option<(f64, u64, Genotype)>,
}

impl HillClimbing {
    fn new() -> Self {
        Self { random_left: 4, best: None }
    }

    fn climb(&self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        let (_, parent, best) = self.best.as_ref()?;
        let child = problem.space.mutate(best, rng);
        // A feasible network that is new, the child itself or one near it.
        let genotype = feasible_near(problem, &child, rng)?;
        Some(Proposal { genotype, origin: Origin::Mutation, parent: Some(*parent) })
    }
}

impl Strategy for HillClimbing {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        Ok(distinct(problem, n, |problem| {
            let random = self.random_left > 0;
            self.random_left = self.random_left.saturating_sub(1);
            let climbed = if random { None } else { self.climb(problem, rng) };
            climbed.or_else(|| feasible_sample(problem, rng).map(Proposal::random))
        }))
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        // Values are comparable within a rung only, and every network has one at rung 0.
        for trial in done.iter().filter(|trial| trial.fidelity.rung == 0) {
            if let Ok(value) = trial.outcome
                && self.best.as_ref().is_none_or(|(best, ..)| value > *best)
            {
                self.best = Some((value, trial.trial, trial.genotype.clone()));
            }
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    conformance::check(&|| Ok(Box::new(HillClimbing::new())))?;
    println!("the strategy keeps the contract");

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, trials, out] = &arguments[..] else { anyhow::bail!("expected DATA TRIALS FOLDER") };
    let data = open(path, &OpenOptions::default())?;
    let space = preset("auto", &context(&data))?;
    let budget = Budget { trials: Some(trials.parse()?), time: None };
    let config = StudyConfig { budget, workers: 2, limits: "params<=20k".parse()?, ..StudyConfig::default() };
    // Three rungs up to nine epochs; the best third of each goes on.
    let scheduler = scheduler_named("asha")?.make(&Default::default(), 9.0)?;
    let estimator = TrainingEstimator {
        data: &data,
        recipe: Recipe::for_data(data.features(), data.len(Subset::Train)),
        engine: Engine::cpu(1),
        ladder: scheduler.ladder().iter().map(|fidelity| fidelity.epochs).collect(),
        checkpoints: PathBuf::from(out).join("checkpoints"),
    };
    std::fs::create_dir_all(&estimator.checkpoints)?; // promotions go on from there
    let methods = Methods { strategy: Box::new(HillClimbing::new()), scheduler };
    let mut observer = Lines::new(std::io::stdout());
    let mut study = Study::create(out.as_ref(), config, space)?;
    let mut observe = |event: &_| observer.notice(&Notice::Search { event });
    study.run_with(methods, &estimator, &mut observe, &StopFlag::new())?;
    let best = study.state().best().context("no trial was completed")?;
    println!("best: trial {}, value {:.4}", best.trial, best.value().unwrap_or(f64::NAN));
    Ok(())
}
