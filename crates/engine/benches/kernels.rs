//! Single operators at the shapes of the networks in `compare/networks.rs`, as arithmetic operations or bytes a second.
//!
//! `cargo bench -p nasmyth-engine --bench kernels [-- FILTER]`
//!
//! `infer` runs an inference plan, `step` forward and backward. A learned scale goes before the operator, so that the
//! gradient of its input is computed too, and global pooling after it, so that the loss costs nothing; their time is in the
//! figures. An operator with weights counts two operations for each multiply-accumulate forward and four backward; any other
//! counts the bytes of its output, and in a step of the gradient too, each written by it and read by the next.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use nasmyth_engine::{Arena, Loss, Mode, ParamStore, Plan};
use nasmyth_graph::ops::{Activation, BatchNorm, Conv, Function, GlobalPool, Linear, Pool, Pooling, Scale};
use nasmyth_graph::{Graph, GraphError, Op, VerifiedGraph};
use std::fmt::{Display, Formatter};
use std::sync::Arc;

fn main() {
    divan::main();
}

/// Operators in a row on a batch.
struct Case {
    name: String,
    batch: usize,
    input: Vec<usize>,
    ops: Vec<Arc<dyn Op>>,
}

impl Display for Case {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

fn cases() -> Vec<Case> {
    let image = |side: usize, channels: usize| vec![side, side, channels];
    let mut cases = Vec::new();
    let mut add = |name: String, input: Vec<usize>, ops: Vec<Arc<dyn Op>>| {
        let batch = if input.len() == 1 { 256 } else { 64 };
        cases.push(Case { name: format!("{name} on {input:?}"), batch, input, ops });
    };
    for (side, c) in [(32, 16), (16, 32), (8, 64)] {
        add(format!("conv 3x3 to {c}"), image(side, c), vec![Arc::new(Conv::same(c, &[3, 3]))]);
    }
    for (side, from, to) in
        [(32, 16, 64), (32, 64, 16), (16, 24, 96), (16, 96, 24), (8, 40, 160), (8, 160, 40)]
    {
        add(format!("conv 1x1 to {to}"), image(side, from), vec![Arc::new(Conv::same(to, &[1, 1]))]);
    }
    for (side, c, stride) in [(32, 64, 1), (16, 96, 1), (8, 160, 1), (32, 64, 2), (16, 96, 2)] {
        let conv = Conv::same(c, &[5, 5]).groups(c).stride(stride);
        add(format!("depthwise 5x5 stride {stride}"), image(side, c), vec![Arc::new(conv)]);
    }
    for (kernel, c) in [(9, 1), (7, 32), (5, 32), (3, 32)] {
        add(format!("conv {kernel} to 32"), vec![256, c], vec![Arc::new(Conv::same(32, &[kernel]))]);
    }
    for (side, c) in [(32, 16), (16, 32), (8, 64), (32, 64)] {
        let ops: Vec<Arc<dyn Op>> =
            vec![Arc::new(BatchNorm::default()), Arc::new(Activation(Function::Relu))];
        add("batch norm, ReLU".to_owned(), image(side, c), ops);
    }
    for (side, c) in [(32, 16), (16, 32), (8, 64)] {
        let pool = Pool::same(Pooling::Average, &[3, 3]);
        add("average pool 3x3".to_owned(), image(side, c), vec![Arc::new(pool)]);
    }
    for (from, to) in [(108, 128), (128, 64)] {
        add(format!("linear to {to}"), vec![from], vec![Arc::new(Linear::new(to))]);
    }
    cases
}

impl Case {
    fn graph(&self) -> Result<VerifiedGraph, GraphError> {
        let mut g = Graph::new(&*self.name);
        let x = g.input(&self.input)?;
        let mut x = g.push(Scale { init: 1.0 }, &[x])?;
        for (i, op) in self.ops.iter().enumerate() {
            x = g.add(format!("op_{i}"), op.clone(), &[x])?;
        }
        let y = if self.input.len() > 1 { g.push(GlobalPool(Pooling::Average), &[x])? } else { x };
        g.output(y);
        g.verify()
    }
}

/// What a run reads and writes.
struct Run {
    graph: VerifiedGraph,
    plan: Plan<f32>,
    arena: Arena<f32>,
    params: ParamStore<f32>,
    grads: Vec<f32>,
}

impl Run {
    fn new(case: &Case, mode: Mode) -> Self {
        let graph = case.graph().expect("a valid graph");
        let plan = Plan::compile(&graph, case.batch, mode).expect("a plan");
        let params = ParamStore::new(&graph, 0);
        let grads = vec![0.0; params.layout().trained().len()];
        let mut arena = plan.arena();
        plan.input(&mut arena).iter_mut().enumerate().for_each(|(i, v)| *v = (i % 17) as f32 / 8.0 - 1.0);
        Self { graph, plan, arena, params, grads }
    }

    /// `bencher` with what one run comes to, as the head of this file counts it.
    fn counted<'a, 'b>(&self, bencher: Bencher<'a, 'b>, case: &Case, backward: bool) -> Bencher<'a, 'b> {
        let operations = 2 * self.graph.macs() as usize * case.batch;
        let output = &self.graph.nodes()[1 + case.ops.len()].fact; // after the input and the scale
        let bytes = 2 * output.bytes() as usize * case.batch;
        match (operations, backward) {
            (0, _) => bencher.counter(BytesCount::new(if backward { 2 * bytes } else { bytes })),
            (_, false) => bencher.counter(ItemsCount::new(operations)),
            (_, true) => bencher.counter(ItemsCount::new(3 * operations)),
        }
    }
}

#[divan::bench(args = cases(), max_time = 0.5)]
fn infer(bencher: Bencher, case: &Case) {
    let mut run = Run::new(case, Mode::Infer);
    run.plan.prepare(&run.params, &mut run.arena);
    run.counted(bencher, case, false).bench_local(|| run.plan.infer(&run.params, &mut run.arena));
}

#[divan::bench(args = cases(), max_time = 0.5)]
fn step(bencher: Bencher, case: &Case) {
    let mut run = Run::new(case, Mode::Train(Loss::SquaredError { variance: 1.0 }));
    run.counted(bencher, case, true)
        .bench_local(|| run.plan.train(&run.params, &mut run.grads, &mut run.arena, 0));
}
