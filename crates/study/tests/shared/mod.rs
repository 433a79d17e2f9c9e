//! A cheap space and a cheap estimator whose value is a function of the network.
#![allow(dead_code)] // each test file uses a part

use nasmyth_estimator::{Estimate, EstimateError, Estimator, Job, StopFlag};
use nasmyth_graph::ops::{Activation, Function, Linear};
use nasmyth_space::{Context, Network, Space, Tree};
use nasmyth_study::stores::MemoryStore;
use nasmyth_study::{Budget, Event, Method, Record, State, Status, StopReason, Study, StudyConfig};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// Dense layers with limits to taste; `relu_again` makes some genotypes canonically equal.
pub fn space(layers: usize) -> Space {
    let layer = Tree::group([
        Tree::choice("width", [4, 6, 8, 12, 16, 24, 32, 48]),
        Tree::choice("act", ["relu", "silu", "tanh", "relu_again"]),
    ]);
    let context = Context::table(4, 3);
    Space::new("dense", "Dense layers.", Tree::repeat("layers", 1..=layers, layer), move |genes| {
        let mut net = Network::begin("dense", &context)?;
        for layer in genes.repeat("layers")? {
            net.push(Linear::new(layer.size("width")?))?;
            let act = layer.word("act")?;
            net.push(Activation(Function::from_name(&act).unwrap_or(Function::Relu)))?;
        }
        net.finish()
    })
    .unwrap()
}

/// Value from hash, seed and rung; some networks fail, some panic, all take a random time.
#[derive(Default)]
pub struct Synthetic {
    pub evaluated: Mutex<Vec<(u128, u32)>>,
    pub slowest_ms: u64,
}

impl Estimator for Synthetic {
    fn estimate(&self, job: &Job<'_>) -> Result<Estimate, EstimateError> {
        let draw = job.hash as u64 ^ job.seed;
        if self.slowest_ms > 0 {
            let nanos = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
            std::thread::sleep(Duration::from_millis(u64::from(nanos / 1000) % self.slowest_ms));
        }
        if job.stop.stopped() {
            return Err(EstimateError::Interrupted);
        }
        self.evaluated.lock().unwrap().push((job.hash, job.fidelity.rung));
        match draw % 13 {
            0 => panic!("the network of trial {} blew up", job.trial),
            1 => Err(EstimateError::failed("diverged")),
            2 if job.fidelity.rung > 0 => Ok(estimate(f64::NAN)),
            _ => Ok(estimate((draw % 10_007) as f64 / 10_007.0 + f64::from(job.fidelity.rung))),
        }
    }
}

fn estimate(value: f64) -> Estimate {
    Estimate { value, metrics: BTreeMap::from([("nan".to_owned(), f64::NAN)]), seconds: 0.0 }
}

pub fn config(trials: u64) -> StudyConfig {
    let mut strategy = Method::new("regularized-evolution");
    strategy.settings = "population = 8\nsample = 3\ncrossover = 0.3".parse().unwrap();
    StudyConfig {
        seed: 11,
        budget: Budget { trials: Some(trials), time: None },
        strategy,
        limits: "params<=1k".parse().unwrap(),
        ..StudyConfig::default()
    }
}

/// Trials without times: what must not depend on workers, kills and resumes.
pub fn outcome(state: &State) -> Vec<String> {
    let line = |trial: &nasmyth_study::Trial| {
        let status = match &trial.status {
            Status::Completed(estimate) => format!("{}", estimate.value),
            Status::Failed { reason, .. } => reason.clone(),
            Status::Running => "running".to_owned(),
        };
        let from = (trial.parent, trial.origin, trial.cached_from, trial.fidelity, trial.previous);
        format!("{} {} {} {from:?} {status}", trial.trial, trial.genotype, trial.hash)
    };
    state.trials().iter().map(line).collect()
}

/// Runs to the end on records that an earlier run left.
pub fn run_on(records: Vec<Record>, config: &StudyConfig, space: &Space) -> (Study, StopReason, Vec<Record>) {
    let store = MemoryStore::new(records);
    let mut study = Study::in_store(Box::new(store.clone()), config.clone(), space.clone()).unwrap();
    let reason = run(&mut study);
    (study, reason, store.records())
}

pub fn run(study: &mut Study) -> StopReason {
    study.run(&Synthetic::default(), &mut |_: &Event| {}, &StopFlag::new()).unwrap()
}
