//! Outputs, losses, gradients and running statistics of every operator and of a network, on every engine of this build,
//! against those of PyTorch.
//!
//! An operator's inputs are the rows of a linear layer without bias that a one-hot input selects: the gradient of that layer's
//! weight is, sample by sample, the gradient of the operator's inputs.

mod compiled;
mod curve;
mod network;
#[path = "../../benches/compare/networks.rs"]
mod networks;
mod values;

use compiled::{Compiled, double, engines, single};
use nasmyth_engine::{Engine, Loss, Mode, ParamStore, Real};
use nasmyth_graph::ops::{Conv, Linear, Pool, Pooling, Reshape, Slice};
use nasmyth_graph::{Example, Graph, GraphError, NodeId, OPS, Role, VerifiedGraph};
use std::sync::Arc;
use values::{BATCH, Golden, number, numbers, targets};

/// See [`Golden::check`].
const FLOOR: f64 = 0.01;

const SQUARED: Loss = Loss::SquaredError { variance: 2.5 };

/// What one training step and one inference compute.
struct Run {
    loss: f64,
    output: Vec<f64>,
    infer: Vec<f64>,
    /// Gradients of the trained parameters.
    grads: Vec<f64>,
    /// All parameters after the update of running statistics.
    after: Vec<f64>,
}

fn wide<T: Real>(values: &[T]) -> Vec<f64> {
    values.iter().map(|v| v.f64()).collect()
}

fn fill<T: Real>(to: &mut [T], from: &[f64]) {
    assert_eq!(to.len(), from.len());
    to.iter_mut().zip(from).for_each(|(t, &f)| *t = T::of(f));
}

fn run<C: Compiled>(compile: impl Fn(Mode) -> C, loss: Loss, params: &ParamStore<f64>, x: &[f64]) -> Run {
    let mut params = params.map(C::Number::of);
    let mut inferring = compile(Mode::Infer);
    fill(inferring.sample().0, x);
    inferring.infer(&params);
    let mut training = compile(Mode::Train(loss));
    let (input, target) = training.sample();
    fill(input, x);
    fill(target, &targets(target.len(), loss == Loss::CrossEntropy));
    let mut grads = vec![C::Number::of(f64::NAN); params.layout().trained().len()];
    let loss = training.train(&params, &mut grads).f64();
    training.update_buffers(&mut params);
    let (output, infer) = (wide(training.output()), wide(inferring.output()));
    Run { loss, output, infer, grads: wide(&grads), after: wide(params.values()) }
}

/// Every engine, and double precision, each with the tolerance that it allows.
fn runs(g: &VerifiedGraph, loss: Loss, params: &ParamStore<f64>, x: &[f64]) -> Vec<(Run, f64)> {
    let on = |engine: &Engine| run(|mode| single(engine, g, BATCH, mode), loss, params, x);
    let exact = run(|mode| double(g, BATCH, mode), loss, params, x);
    engines().iter().map(|engine| (on(engine), 1e-4)).chain([(exact, 1e-8)]).collect()
}

/// An operator on the rows of a lookup.
struct Case {
    name: String,
    graph: VerifiedGraph,
    params: ParamStore<f64>,
    /// Elements of one sample of each input.
    lens: Vec<usize>,
    loss: Loss,
}

impl Case {
    fn new(name: String, (op, shapes): Example, loss: Loss) -> Result<Self, GraphError> {
        let lens: Vec<usize> = shapes.iter().map(|s| s.iter().product()).collect();
        let mut g = Graph::new(&*name);
        let x = g.input(&[BATCH])?;
        let rows = Linear { out: lens.iter().sum(), bias: false };
        let rows = g.add("lookup", Arc::new(rows), &[x])?;
        let mut inputs: Vec<NodeId> = Vec::new();
        let mut start = 0;
        for (shape, len) in shapes.into_iter().zip(&lens) {
            let part = g.push(Slice { start, end: start + len }, &[rows])?;
            inputs.push(g.push(Reshape(shape), &[part])?);
            start += len;
        }
        let y = g.add("op", op, &inputs)?;
        g.output(y);
        let graph = g.verify()?;
        let mut params = network::parameters(&graph);
        let lookup = params.get_mut("lookup.weight").expect("a lookup has a weight");
        fill_inputs(&name, lookup, &lens);
        Ok(Self { name, graph, params, lens, loss })
    }

    /// Compares everything that is expected; the names that were compared.
    fn check(&self, golden: &Golden) -> Vec<(String, String)> {
        let one_hot: Vec<f64> =
            (0..BATCH * BATCH).map(|i| f64::from(u8::from(i % (BATCH + 1) == 0))).collect();
        for (run, tolerance) in runs(&self.graph, self.loss, &self.params, &one_hot) {
            for name in golden.names(&self.name) {
                golden.check(&self.name, name, &self.value(&run, name), tolerance, FLOOR);
            }
            if !golden.names(&self.name).contains(&"infer") {
                golden.check(&self.name, "output", &run.infer, tolerance, FLOOR);
            }
            self.check_nothing_is_forgotten(golden);
        }
        golden.names(&self.name).iter().map(|n| (self.name.clone(), n.to_string())).collect()
    }

    fn value(&self, run: &Run, name: &str) -> Vec<f64> {
        match name {
            "loss" => vec![run.loss],
            "output" => run.output.clone(),
            "infer" => run.infer.clone(),
            _ if name.starts_with("input") => self.input_gradient(run, name),
            _ => {
                let entry = self.params.layout().entry(&format!("op.{name}")).expect("a parameter");
                let values = if entry.role == Role::Buffer { &run.after } else { &run.grads };
                values[entry.range.clone()].to_vec()
            }
        }
    }

    fn input_gradient(&self, run: &Run, name: &str) -> Vec<f64> {
        let k: usize = name["input".len()..].parse().expect("an index");
        let lookup = self.params.layout().entry("lookup.weight").expect("a weight").range.clone();
        let start: usize = self.lens[..k].iter().sum();
        let rows = run.grads[lookup].chunks_exact(self.lens.iter().sum());
        rows.flat_map(|row| row[start..start + self.lens[k]].to_vec()).collect()
    }

    /// That the file has the gradients of all inputs and trained parameters.
    fn check_nothing_is_forgotten(&self, golden: &Golden) {
        let names = golden.names(&self.name);
        let inputs = (0..self.lens.len()).map(|k| format!("input{k}"));
        let trained = self.params.layout().entries().iter().filter(|e| e.role != Role::Buffer);
        let trained = trained.filter_map(|e| e.key.strip_prefix("op.").map(str::to_owned));
        for name in inputs.chain(trained).chain(["loss".to_owned(), "output".to_owned()]) {
            assert!(names.contains(&name.as_str()), "{}: no expected values of {name}", self.name);
        }
    }
}

/// Writes the inputs of all samples: activations see all their pieces, embeddings codes.
fn fill_inputs(name: &str, lookup: &mut [f64], lens: &[usize]) {
    let spread = if name.starts_with("activation") { 8.0 } else { 1.0 };
    for (n, row) in lookup.chunks_exact_mut(lens.iter().sum()).enumerate() {
        let mut rest = row;
        for (k, &len) in lens.iter().enumerate() {
            let (own, tail) = rest.split_at_mut(len);
            own.iter_mut().enumerate().for_each(|(i, v)| *v = spread * number(n * len + i, 1 + k));
            rest = tail;
        }
    }
    if name.starts_with("embedding") {
        lookup.iter_mut().enumerate().for_each(|(i, v)| *v = ((i / 2 + i % 2) % (3 - i % 2)) as f64);
    }
    if name.starts_with("token_embedding") {
        lookup.iter_mut().enumerate().for_each(|(i, v)| *v = (i % 3) as f64);
    }
}

/// Shapes beyond the operators' own examples: asymmetric padding, windows that fill several panels, more axes.
fn more() -> Vec<Example> {
    let conv = |out, kernel: &[usize], stride: &[usize], pad: &[usize]| Conv {
        stride: stride.to_vec(),
        pad: pad.to_vec(),
        ..Conv::same(out, kernel)
    };
    let pool = |pooling, stride: &[usize], pad: &[usize]| Pool {
        stride: stride.to_vec(),
        pad: pad.to_vec(),
        ..Pool::new(pooling, &[3, 2])
    };
    vec![
        (Arc::new(Conv::same(2, &[4, 2]).with_bias()), vec![vec![5, 6, 3]]),
        (Arc::new(conv(3, &[3, 2], &[2, 1], &[0, 1, 2, 0])), vec![vec![5, 4, 2]]),
        (Arc::new(conv(4, &[3, 4], &[1, 2], &[2, 0, 1, 3]).groups(4).with_bias()), vec![vec![5, 6, 4]]),
        (Arc::new(Conv::same(1, &[9, 9])), vec![vec![12, 11, 2]]),
        (Arc::new(Conv::same(4, &[2]).groups(2).stride(3)), vec![vec![8, 4]]),
        (Arc::new(pool(Pooling::Max, &[2, 2], &[1, 0, 0, 1])), vec![vec![5, 6, 2]]),
        (Arc::new(pool(Pooling::Average, &[2, 1], &[0, 1, 2, 0])), vec![vec![5, 6, 2]]),
        (Arc::new(Linear::new(3)), vec![vec![3, 2, 4]]),
    ]
}

fn cases() -> Vec<Case> {
    let named = |name: &str, examples: Vec<Example>| {
        let name = name.to_owned();
        examples.into_iter().enumerate().map(move |(i, e)| (format!("{name}/{i}"), e, SQUARED))
    };
    let identity: Example = (Arc::new(Reshape(vec![5])), vec![vec![5]]);
    // Operators that draw random numbers have no expected values.
    let operators = OPS.iter().flat_map(|k| named(k.name, (k.examples)()));
    operators
        .filter(|(_, (op, _), _)| !op.random())
        .chain(named("more", more()))
        .chain([("cross_entropy/0".to_owned(), identity, Loss::CrossEntropy)])
        .map(|(name, example, loss)| Case::new(name, example, loss).unwrap())
        .collect()
}

#[test]
fn operators_compute_what_pytorch_computes() {
    let golden = Golden::parse(include_str!("operators.txt"));
    let checked: Vec<_> = cases().iter().flat_map(|case| case.check(&golden)).collect();
    golden.check_complete(&checked);
}

#[test]
fn a_network_computes_what_pytorch_computes() {
    let golden = Golden::parse(include_str!("network.txt"));
    let graph = network::network().unwrap();
    let params = network::parameters(&graph);
    let x = numbers(network::INPUT, 1);
    for (run, tolerance) in runs(&graph, Loss::CrossEntropy, &params, &x) {
        golden.check("network", "loss", &[run.loss], tolerance, FLOOR);
        golden.check("network", "output", &run.output, tolerance, FLOOR);
        golden.check("network", "infer", &run.infer, tolerance, FLOOR);
        assert_eq!(run.output.len(), network::OUTPUT);
        for entry in params.layout().entries() {
            let values = if entry.role == Role::Buffer { &run.after } else { &run.grads };
            golden.check("network", &entry.key, &values[entry.range.clone()], tolerance, FLOOR);
        }
    }
}
