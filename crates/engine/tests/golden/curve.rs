//! A training, step by step against PyTorch's with the same first parameters and the same batches: `cell` on small images,
//! SGD with momentum. In double precision, which is slow, fewer steps show that the computation is the same.

use super::networks::cell_on;
use super::values::{Golden, number, scattered};
use super::{fill, wide};
use nasmyth_engine::{Loss, Mode, ParamStore, Plan, Real};
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
fn train<T: Real>(graph: &VerifiedGraph, steps: usize) -> (Vec<f64>, Vec<f64>) {
    let mut params = parameters(graph).map(T::of);
    let plan = Plan::<T>::compile(graph, COUNT, Mode::Train(Loss::CrossEntropy)).unwrap();
    let mut arena = plan.arena();
    let mut grads = vec![T::ZERO; params.layout().trained().len()];
    let mut momenta = grads.clone();
    let mut step = |i: usize| {
        let (inputs, targets) = batch(i);
        fill(plan.input(&mut arena), &inputs);
        fill(plan.target(&mut arena), &targets);
        let loss = plan.train(&params, &mut grads, &mut arena, 0);
        for ((p, m), &g) in params.values_mut().iter_mut().zip(&mut momenta).zip(&grads) {
            *m = T::of(MOMENTUM) * *m + g;
            *p -= T::of(RATE) * *m;
        }
        plan.update_buffers(&mut params, &arena);
        loss.f64()
    };
    let losses = (0..steps).map(&mut step).collect();
    let plan = Plan::<T>::compile(graph, COUNT, Mode::Infer).unwrap();
    let mut arena = plan.arena();
    fill(plan.input(&mut arena), &batch(steps).0);
    plan.forward(&params, &mut arena);
    (losses, wide(plan.output(&arena)))
}

/// Compares with what PyTorch computed, outputs at the scale of the largest: the losses.
fn check<T: Real>(case: &str, steps: usize, loss_tolerance: f64, output_tolerance: f64) -> Vec<f64> {
    let golden = Golden::parse(include_str!("curve.txt"));
    let (losses, outputs) = train::<T>(&cell_on([SIDE, SIDE, 3]).unwrap(), steps);
    golden.check(case, "loss", &losses, loss_tolerance, 0.0);
    golden.check(case, "infer", &outputs, output_tolerance, 1.0);
    losses
}

#[test]
fn single_precision_learns_as_in_pytorch() {
    let losses = check::<f32>("float32", 50, 0.01, 0.03);
    assert!(losses[49] < losses[0] / 4.0, "the loss went from {} to {}", losses[0], losses[49]);
}

#[test]
fn double_precision_takes_the_steps_of_pytorch() {
    check::<f64>("float64", 20, 1e-6, 1e-6);
}
