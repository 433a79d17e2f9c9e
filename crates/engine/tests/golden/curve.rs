//! A training, step by step against PyTorch's with the same first parameters and the same batches: `cell` on small images,
//! SGD with momentum. In double precision, which is slow, fewer steps show that the computation is the same.

use super::compiled::{Compiled, double, engines, single};
use super::networks::cell_on;
use super::values::{Golden, number, scattered};
use super::{fill, wide};
use nasmyth_engine::{Loss, Mode, ParamStore, Real};
use nasmyth_graph::VerifiedGraph;

const COUNT: usize = 32;
const SIDE: usize = 16;
const CLASSES: usize = 10;
const RATE: f64 = 0.001;
const MOMENTUM: f64 = 0.9;

/// Weights have the variance of He et al. 2015; scales are 1, biases 0.
fn parameters(graph: &VerifiedGraph) -> ParamStore<f64> {
    let mut params = ParamStore::new(graph, 0).map(f64::from);
    let layout = params.layout().clone();
    for entry in layout.entries().iter().filter(|e| e.key.ends_with(".weight")) {
        let salt = entry.key.bytes().map(usize::from).sum();
        let fan_in: usize = entry.shape[..entry.shape.len() - 1].iter().product();
        let spread = (6.0 / fan_in as f64).sqrt();
        let values = params.values_mut()[entry.range.clone()].iter_mut().enumerate();
        values.for_each(|(i, v)| *v = spread * scattered(i, salt));
    }
    params
}

/// Samples `step * COUNT ..`, of all classes in turn: a sawtooth whose frequency is the class, and noise.
fn batch(step: usize) -> (Vec<f64>, Vec<f64>) {
    let pixel = |sample: usize, i: usize| {
        number((sample % CLASSES + 1) * (i / 3), i % 3) + 0.1 * scattered(i, sample)
    };
    let samples = step * COUNT..(step + 1) * COUNT;
    let inputs = samples.clone().flat_map(|s| (0..SIDE * SIDE * 3).map(move |i| pixel(s, i))).collect();
    let class = |s: usize| (0..CLASSES).map(move |c| f64::from(u8::from(c == s % CLASSES)));
    (inputs, samples.flat_map(class).collect())
}

/// The loss of each step, and the network's outputs afterwards on one more batch.
fn train<C: Compiled>(
    graph: &VerifiedGraph,
    compile: impl Fn(&VerifiedGraph, usize, Mode) -> C,
    steps: usize,
) -> (Vec<f64>, Vec<f64>) {
    let mut params = parameters(graph).map(C::Number::of);
    let mut training = compile(graph, COUNT, Mode::Train(Loss::CrossEntropy));
    let mut grads = vec![C::Number::ZERO; params.layout().trained().len()];
    let mut momenta = grads.clone();
    let mut step = |i: usize| {
        let (inputs, targets) = batch(i);
        let (x, t) = training.sample();
        fill(x, &inputs);
        fill(t, &targets);
        let loss = training.train(&params, &mut grads);
        for ((p, m), &g) in params.values_mut().iter_mut().zip(&mut momenta).zip(&grads) {
            *m = C::Number::of(MOMENTUM) * *m + g;
            *p -= C::Number::of(RATE) * *m;
        }
        training.update_buffers(&mut params);
        loss.f64()
    };
    let losses = (0..steps).map(&mut step).collect();
    let mut inferring = compile(graph, COUNT, Mode::Infer);
    fill(inferring.sample().0, &batch(steps).0);
    inferring.infer(&params);
    (losses, wide(inferring.output()))
}

/// Compares with what PyTorch computed, losses up to the first tolerance, outputs up to the second, at the scale of the largest:
/// the losses.
fn check<C: Compiled>(
    case: &str,
    compile: impl Fn(&VerifiedGraph, usize, Mode) -> C,
    steps: usize,
    tolerances: [f64; 2],
) -> Vec<f64> {
    let golden = Golden::parse(include_str!("curve.txt"));
    let (losses, outputs) = train(&cell_on([SIDE, SIDE, 3]).unwrap(), compile, steps);
    golden.check(case, "loss", &losses, tolerances[0], 0.0);
    golden.check(case, "infer", &outputs, tolerances[1], 1.0);
    losses
}

#[test]
fn single_precision_learns_as_in_pytorch() {
    for engine in engines() {
        let losses = check("float32", |g, batch, mode| single(&engine, g, batch, mode), 50, [0.01, 0.03]);
        assert!(losses[49] < losses[0] / 4.0, "the loss went from {} to {}", losses[0], losses[49]);
    }
}

#[test]
fn double_precision_takes_the_steps_of_pytorch() {
    check("float64", double, 20, [1e-6, 1e-6]);
}
