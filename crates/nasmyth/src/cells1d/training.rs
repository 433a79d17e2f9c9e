//! One training: network, recipe, curve.

use crate::context;
use anyhow::Result;
use nasmyth_data::{Augment, Dataset, OpenOptions, Subset, open};
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use nasmyth_graph::VerifiedGraph;
use nasmyth_graph::ops::{BatchNorm, Conv, Function, GlobalPool, Linear, Pool, Pooling};
use nasmyth_graph::passes::simplify;
use nasmyth_space::spaces::cell::cell;
use nasmyth_space::{Context, Network, SpaceError};
use nasmyth_train::{Evaluation, OptimizerKind, Recipe, TrainError, Trainer, evaluate};

/// Channels of the first stage.
const WIDTH: usize = 8;
/// Stages of one cell each.
const STAGES: usize = 2;
/// Share of the training data that the signals are measured on.
const VALID: f64 = 0.2;

/// What one training showed, as numbers of right answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Curve {
    /// On the validation part, after each epoch.
    pub valid: Vec<u32>,
    /// On the test part, at the end.
    pub test: u32,
}

/// MNIST-1D: 3,200 samples to train on, 800 to validate, 1,000 to test.
pub(super) fn data() -> Result<Dataset> {
    Ok(open("builtin:mnist1d", &OpenOptions { valid_fraction: VALID, ..OpenOptions::default() })?)
}

/// Written out in full, so that the table stays what it is when the defaults become better.
fn recipe() -> Recipe {
    Recipe {
        optimizer: OptimizerKind::AdamW { beta1: 0.9, beta2: 0.999 },
        learning_rate: 0.02,
        weight_decay: 0.02,
        warmup: 0.1,
        batch: 64,
        parts: 1,
        ema: 0.98,
        clip: 5.0,
        augment: Augment { crop: Some(1), ..Augment::default() },
    }
}

/// The skeleton of NAS-Bench-201 (Dong and Yang 2020, figure 1) for series, made small: two stages of one cell each. Between them is no
/// residual block but average pooling and a 1x1 convolution: hardly more than the cells learns from neighbours, and nothing but
/// the cells bends, so the cell decides.
pub(super) fn network(operators: &[&str], data: &Dataset) -> Result<VerifiedGraph> {
    Ok(graph(operators, &context(data))?)
}

fn graph(operators: &[&str], context: &Context) -> Result<VerifiedGraph, SpaceError> {
    let mut net = Network::begin("cells1d", context)?;
    net.push(Conv::same(WIDTH, &[3]).stride(2))?.push(BatchNorm::default())?;
    for stage in 0..STAGES {
        if stage > 0 {
            net.push(Pool { stride: vec![2], ..Pool::same(Pooling::Average, &[2]) })?;
            net.push(Conv::same(WIDTH << stage, &[1]))?.push(BatchNorm::default())?;
        }
        net.with(|graph, x| cell(graph, x, operators))?;
    }
    net.push(BatchNorm::default())?.activate(Function::Relu)?;
    net.push(GlobalPool(Pooling::Average))?.push(Linear::new(context.outputs))?;
    net.graph.output(net.at);
    Ok(net.graph.verify()?)
}

/// Simulated seconds of a training, from counts of the simplified network, so that they are the same on every machine. The weights of
/// the counts were fitted to 70 trainings on one core of an AMD EPYC: median deviation 13 %, R2 0.83.
pub(super) fn seconds(network: &VerifiedGraph, epochs: u32) -> f64 {
    /// Seconds of an epoch whatever the network, for each multiply-accumulate of a sample, and for each byte of its activations.
    const EPOCH: [f64; 3] = [7e-4, 3.8e-7, 1.2e-6];
    let network = simplify(network);
    let counts = [1.0, network.macs() as f64, network.activation_bytes() as f64];
    f64::from(epochs) * EPOCH.iter().zip(counts).map(|(factor, count)| factor * count).sum::<f64>()
}

/// Trains on one thread. A function of network, data, epochs and seed. After a divergence no answer is right any more.
///
/// # Errors
/// An interruption, or a network that cannot be compiled.
pub(super) fn train(
    network: &VerifiedGraph,
    data: &Dataset,
    epochs: u32,
    seed: u64,
    stop: &StopFlag,
) -> Result<Curve, TrainError> {
    let engine = Engine::cpu(1);
    let seed = seed ^ network.canonical_hash() as u64;
    let mut trainer = Trainer::new(network, data, Subset::Train, &recipe(), seed, &engine)?;
    let steps = trainer.steps_in(epochs.into());
    let until = |epoch: u32| steps * u64::from(epoch) / u64::from(epochs);
    let mut curve = Curve::default();
    for epoch in 0..epochs {
        match trainer.run_part(until(epoch)..until(epoch + 1), steps, stop, &mut |_| ()) {
            Err(TrainError::Diverged { .. }) => {
                curve.valid.resize(epochs as usize, 0);
                return Ok(curve);
            }
            other => other?,
        }
        curve.valid.push(right(&evaluate(network, trainer.network(), data, Subset::Valid, &engine)?));
    }
    curve.test = right(&evaluate(network, trainer.network(), data, Subset::Test, &engine)?);
    Ok(curve)
}

/// Number of right answers.
fn right(evaluation: &Evaluation) -> u32 {
    match evaluation {
        Evaluation::Classified(c) => c.confusion.iter().enumerate().map(|(i, row)| row[i] as u32).sum(),
        Evaluation::Regressed(_) => 0,
    }
}
