//! What the engine costs beside arithmetic.

use super::Result;
use super::candidate::{median, seconds};
use super::networks::mobile_of_depths;
use nasmyth_engine::{Loss, Mode, ParamStore, Plan};
use nasmyth_graph::ops::{Activation, Add, Function, Linear, Scale};
use nasmyth_graph::{Graph, GraphError, VerifiedGraph};

const RUNS: usize = 101;
/// Steps in one measurement of a graph that takes microseconds.
const STEPS: usize = 100;

/// Compiling a training plan.
pub struct Compile {
    /// Nodes of the graph.
    pub nodes: usize,
    /// Median seconds.
    pub seconds: f64,
}

/// Time to compile the training plan of a deep `mobile` for 64 samples.
pub fn compile() -> Result<Compile> {
    let graph = mobile_of_depths([5, 5, 6])?;
    let mode = Mode::Train(Loss::CrossEntropy);
    Plan::<f32>::compile(&graph, 64, mode)?;
    let run = || seconds(|| drop(Plan::<f32>::compile(&graph, 64, mode)));
    Ok(Compile { nodes: graph.nodes().len(), seconds: median((0..RUNS).map(|_| run()).collect()) })
}

/// Seconds of one operator on one element.
pub struct Dispatch {
    /// Operators of the graph.
    pub operators: usize,
    /// Forward, in inference.
    pub forward: f64,
    /// What a training step takes beyond that: backward, and what is computed again for it.
    pub backward: f64,
}

/// Time that an operator on one element takes: that of a graph of many of them, divided.
pub fn dispatch() -> Result<Dispatch> {
    let graph = chain(66)?;
    let plan = Plan::<f32>::compile(&graph, 1, Mode::Train(Loss::SquaredError { variance: 1.0 }))?;
    let mut params = ParamStore::new(&graph, 0);
    params.values_mut().fill(0.01);
    let mut grads = vec![0.0; params.layout().trained().len()];
    let mut arena = plan.arena();
    plan.input(&mut arena).fill(1.0);
    let inference = Plan::<f32>::compile(&graph, 1, Mode::Infer)?;
    let mut inference_arena = inference.arena();
    let per_step = |run: &mut dyn FnMut()| {
        let mut times = || seconds(|| (0..STEPS).for_each(|_| run()));
        median((0..RUNS).map(|_| times()).collect()) / STEPS as f64
    };
    let forward = per_step(&mut || inference.forward(&params, &mut inference_arena));
    let both = per_step(&mut || {
        plan.train(&params, &mut grads, &mut arena, 0);
    });
    let operators = graph.nodes().len() - 1; // without the input
    let [forward, backward] = [forward, both - forward].map(|time| time / operators as f64);
    Ok(Dispatch { operators, forward, backward })
}

/// `blocks` times scale, activation and shortcut, on one element.
fn chain(blocks: usize) -> std::result::Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("chain");
    let x = g.input(&[1])?;
    let mut x = g.push(Linear::new(1), &[x])?;
    for _ in 0..blocks {
        let y = g.push(Scale { init: 1.0 }, &[x])?;
        let y = g.push(Activation(Function::Relu), &[y])?;
        x = g.push(Add, &[x, y])?;
    }
    g.output(x);
    g.verify()
}
