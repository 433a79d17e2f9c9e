//! Graphs and calls at the edges of what plans promise.

use nasmyth_engine::{Arena, EngineError, Loss, Mode, ParamStore, Plan};
use nasmyth_graph::ops::{
    Activation, Add, BatchNorm, Concat, Conv, Function, GlobalPool, Linear, Mul, Pooling, Reshape,
    Standardize, Zero,
};
use nasmyth_graph::{Graph, GraphError, NodeId, OPS, VerifiedGraph};
use std::sync::Arc;

const LOSSES: [Loss; 2] = [Loss::CrossEntropy, Loss::SquaredError { variance: 2.0 }];

/// A graph over an input of `shape`.
fn graph(
    shape: &[usize],
    build: impl FnOnce(&mut Graph, NodeId) -> Result<NodeId, GraphError>,
) -> VerifiedGraph {
    let mut g = Graph::new("edge");
    let x = g.input(shape).unwrap();
    let y = build(&mut g, x).unwrap();
    g.output(y);
    g.verify().unwrap()
}

fn numbers(len: usize, salt: usize) -> Vec<f64> {
    (0..len).map(|i| ((i * 367 + salt * 53 + 11) % 1009) as f64 / 504.5 - 1.0).collect()
}

/// A plan with everything that it runs on.
struct Bench {
    plan: Plan<f64>,
    params: ParamStore<f64>,
    arena: Arena<f64>,
    grads: Vec<f64>,
}

/// Loss, outputs and gradients, as bits: NaN equals itself.
type Bits = Vec<u64>;

impl Bench {
    fn new(g: &VerifiedGraph, batch: usize, mode: Mode) -> Self {
        let plan = Plan::compile(g, batch, mode).unwrap();
        let params = ParamStore::new(g, 5).map(f64::from);
        let grads = vec![f64::NAN; params.layout().trained().len()];
        Self { arena: plan.arena(), plan, params, grads }
    }

    fn fill(&mut self, salt: usize) {
        let (x, t) = self.plan.sample(&mut self.arena);
        x.copy_from_slice(&numbers(x.len(), salt));
        t.copy_from_slice(&numbers(t.len(), salt + 1));
    }

    /// Overwrites all that a step computes with what follows from inputs that are not numbers.
    fn pollute(&mut self) {
        let (x, t) = self.plan.sample(&mut self.arena);
        x.fill(f64::NAN);
        t.fill(f64::NAN);
        self.train();
    }

    fn train(&mut self) -> f64 {
        self.plan.train(&self.params, &mut self.grads, &mut self.arena, 3)
    }

    fn forward(&mut self) -> Vec<f64> {
        self.plan.forward(&self.params, &mut self.arena);
        self.plan.output(&self.arena).to_vec()
    }

    /// What a step computes.
    fn step(&mut self) -> Bits {
        let loss = self.train();
        let output = self.plan.output(&self.arena);
        [loss].iter().chain(output).chain(&self.grads).map(|v| v.to_bits()).collect()
    }

    /// Largest difference of a gradient to the central difference of the loss.
    fn gradient_error(&mut self) -> f64 {
        self.train();
        let grads = self.grads.clone();
        let step = 1e-6;
        let mut worst = 0.0;
        for (i, grad) in grads.iter().enumerate() {
            let old = self.params.values()[i];
            let mut at = |v: f64| {
                self.params.values_mut()[i] = v;
                self.train()
            };
            let slope = (at(old + step) - at(old - step)) / (2.0 * step);
            self.params.values_mut()[i] = old;
            let error = (grad - slope).abs();
            worst = if error.is_nan() || error > worst { error } else { worst };
        }
        worst
    }
}

/// Every operator behind a trained layer, its own example as the shape.
fn operators() -> Vec<VerifiedGraph> {
    let around = |(op, shapes): nasmyth_graph::Example| {
        graph(&[4], |g, x| {
            let inputs: Vec<NodeId> = shapes
                .iter()
                .map(|shape| {
                    let part = g.push(Linear::new(shape.iter().product()), &[x])?;
                    g.push(Reshape(shape.clone()), &[part])
                })
                .collect::<Result<_, _>>()?;
            g.add("op", op, &inputs)
        })
    };
    OPS.iter().flat_map(|k| (k.examples)()).map(around).collect()
}

/// Graphs that share, overwrite or lack values in unusual ways.
fn unusual() -> Vec<(&'static str, VerifiedGraph)> {
    let linear = |g: &mut Graph, x| g.push(Linear::new(4), &[x]);
    let tanh = |g: &mut Graph, x| g.push(Activation(Function::Tanh), &[x]);
    vec![
        ("the input alone", graph(&[4], |_, x| Ok(x))),
        ("a standardised input", graph(&[4], |g, x| g.push(Standardize { inverse: false }, &[x]))),
        ("an activated input", graph(&[4], tanh)),
        ("a reshaped input", graph(&[4], |g, x| g.push(Reshape(vec![2, 2]), &[x]))),
        ("nothing", graph(&[4], |g, x| g.push(Zero, &[x]))),
        ("the input twice", graph(&[4], |g, x| g.push(Add, &[x, x]))),
        (
            "nothing after a layer",
            graph(&[4], |g, x| {
                let y = linear(g, x)?;
                g.push(Zero, &[y])
            }),
        ),
        (
            "x + x",
            graph(&[4], |g, x| {
                let y = linear(g, x)?;
                g.push(Add, &[y, y])
            }),
        ),
        (
            "x + x + x of an activation",
            graph(&[4], |g, x| {
                let y = linear(g, x)?;
                let y = tanh(g, y)?;
                g.push(Add, &[y, y, y])
            }),
        ),
        (
            "x x",
            graph(&[4], |g, x| {
                let y = linear(g, x)?;
                g.push(Mul, &[y, y])
            }),
        ),
        (
            "x and x side by side",
            graph(&[4], |g, x| {
                let y = linear(g, x)?;
                g.push(Concat, &[y, y])
            }),
        ),
        (
            "a chain of steps in place",
            graph(&[4], |g, x| {
                let mut y = linear(g, x)?;
                for shape in [[2, 2], [4, 1], [1, 4]] {
                    y = g.push(Reshape(shape.to_vec()), &[y])?;
                    y = tanh(g, y)?;
                }
                Ok(y)
            }),
        ),
        (
            "a value and the activation that could overwrite it",
            graph(&[4], |g, x| {
                let y = linear(g, x)?;
                let z = tanh(g, y)?;
                g.push(Mul, &[y, z])
            }),
        ),
        (
            "a trained part beside an untrained one",
            graph(&[4], |g, x| {
                let y = linear(g, x)?;
                let z = tanh(g, x)?;
                let z = g.push(Standardize { inverse: true }, &[z])?;
                g.push(Mul, &[z, y])
            }),
        ),
        (
            "one step and one channel",
            graph(&[1, 1], |g, x| {
                let y = g.push(Conv::same(1, &[3]).with_bias(), &[x])?;
                let y = g.push(BatchNorm::default(), &[y])?;
                g.push(GlobalPool(Pooling::Max), &[y])
            }),
        ),
    ]
}

#[test]
fn unusual_graphs_have_right_gradients() {
    for (what, g) in unusual() {
        for (loss, batch) in LOSSES.into_iter().flat_map(|l| [(l, 1), (l, 3)]) {
            let mut bench = Bench::new(&g, batch, Mode::Train(loss));
            bench.fill(1);
            let error = bench.gradient_error();
            assert!(error < 1e-6, "{what}, {loss:?}, batch {batch}: {error}");
        }
    }
}

#[test]
fn results_depend_on_inputs_alone() {
    let all = operators().into_iter().chain(unusual().into_iter().map(|(_, g)| g));
    for g in all {
        for (mode, batch) in LOSSES.map(Mode::Train).into_iter().chain([Mode::Infer]).zip([1, 2, 3]) {
            let mut bench = Bench::new(&g, batch, mode);
            bench.fill(1);
            let first = bench.step();
            bench.pollute();
            bench.fill(1);
            assert_eq!(bench.step(), first, "{mode:?} of\n{}", g.to_text());
        }
    }
}

#[test]
fn inputs_survive_a_run() {
    let all = operators().into_iter().chain(unusual().into_iter().map(|(_, g)| g));
    for g in all {
        for mode in [Mode::Infer, Mode::Train(Loss::CrossEntropy)] {
            let mut bench = Bench::new(&g, 2, mode);
            bench.fill(1);
            let (once, again) = (bench.step(), bench.step());
            assert_eq!(once, again, "{mode:?} of\n{}", g.to_text());
            let inputs = bench.plan.input(&mut bench.arena);
            assert_eq!(inputs, numbers(inputs.len(), 1), "{mode:?} of\n{}", g.to_text());
        }
    }
}

#[test]
fn inference_follows_new_inputs() {
    for (what, g) in unusual() {
        let mut bench = Bench::new(&g, 2, Mode::Infer);
        let fresh: Vec<Vec<f64>> = [1, 7]
            .map(|salt| {
                let mut bench = Bench::new(&g, 2, Mode::Infer);
                bench.fill(salt);
                bench.forward()
            })
            .into();
        for (salt, expected) in [1, 7, 1].into_iter().zip([&fresh[0], &fresh[1], &fresh[0]]) {
            bench.fill(salt);
            assert_eq!(&bench.forward(), expected, "{what}");
        }
    }
}

#[test]
fn a_batch_of_one_trains_with_batch_norm() {
    for shape in [vec![3], vec![1, 3], vec![2, 2, 3]] {
        let g = graph(&shape, |g, x| {
            let y = g.add("bn", Arc::new(BatchNorm::default()), &[x])?;
            let y = nasmyth_graph::blocks::flatten(g, y)?;
            g.push(Linear::new(2), &[y])
        });
        let plan = Plan::<f32>::compile(&g, 1, Mode::Train(Loss::CrossEntropy)).unwrap();
        let (mut params, mut arena) = (ParamStore::new(&g, 1), plan.arena());
        let mut grads = vec![f32::NAN; params.layout().trained().len()];
        for step in 0..20 {
            let (x, t) = plan.sample(&mut arena);
            x.iter_mut().zip(numbers(12, step)).for_each(|(x, v)| *x = 100.0 + v as f32);
            t.copy_from_slice(&[1.0, 0.0]);
            let loss = plan.train(&params, &mut grads, &mut arena, step as u64);
            plan.update_buffers(&mut params, &arena);
            params.values_mut().iter_mut().zip(&grads).for_each(|(p, g)| *p -= 0.1 * g);
            let numbers = [loss].into_iter().chain(grads.iter().copied()).chain(params.values().to_vec());
            assert!(numbers.into_iter().all(f32::is_finite), "step {step} on {shape:?}");
        }
        assert!(params.get("bn.variance").unwrap().iter().all(|&v| v >= 0.0));
    }
}

#[test]
fn statistics_move_only_with_training() {
    let g = graph(&[3], |g, x| g.add("bn", Arc::new(BatchNorm::default()), &[x]));
    for mode in [Mode::Infer, Mode::Train(Loss::CrossEntropy)] {
        let mut bench = Bench::new(&g, 2, mode);
        bench.fill(1);
        bench.train();
        let before = bench.params.values().to_vec();
        bench.plan.update_buffers(&mut bench.params, &bench.arena);
        assert_eq!(bench.params.values() == before, mode == Mode::Infer, "{mode:?}");
    }
}

#[test]
fn impossible_batches_are_refused() {
    let g = graph(&[4, 4, 2], |g, x| g.push(Conv::same(4, &[3, 3]), &[x]));
    for mode in [Mode::Infer, Mode::Train(Loss::CrossEntropy)] {
        let error = Plan::<f32>::compile(&g, 0, mode).err();
        assert!(matches!(error, Some(EngineError::EmptyBatch)), "{error:?}");
        for batch in [1 << 40, usize::MAX / 32 + 1, usize::MAX] {
            let error = Plan::<f32>::compile(&g, batch, mode).err();
            assert!(matches!(error, Some(EngineError::TooLarge { .. })), "{batch}: {error:?}");
        }
    }
}
