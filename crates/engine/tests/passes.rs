//! Passes change what is computed, not what comes out.

use nasmyth_engine::{Loss, Mode, ParamStore, Plan, Real, fold_batch_norm, reparametrise};
use nasmyth_graph::blocks::{InvertedResidual, conv_bn_act, flatten, inverted_residual};
use nasmyth_graph::ops::{
    Activation, Add, BatchNorm, Concat, Conv, DropPath, Dropout, Function, GlobalPool, Linear, Mean, Mul,
    Permute, Pool, Pooling, Reshape, Scale, Slice, Standardize, Zero,
};
use nasmyth_graph::passes::simplify;
use nasmyth_graph::{Graph, GraphError, NodeId, OPS, Op, Role, VerifiedGraph};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const BATCH: usize = 3;
const SHAPE: [usize; 3] = [4, 4, 2];
const LOSSES: [Loss; 2] = [Loss::CrossEntropy, Loss::SquaredError { variance: 2.0 }];

/// Numbers in ±1 that follow from their index alone.
fn numbers(len: usize, salt: usize) -> impl Iterator<Item = f64> {
    (0..len).map(move |i| ((i as f64 * 12.9898 + salt as f64).sin() * 43_758.545_3).fract())
}

/// Parameters that follow from their keys; variances and standard deviations are positive.
fn parameters(g: &VerifiedGraph) -> ParamStore<f64> {
    let mut params = ParamStore::new(g, 7).map(f64::from);
    for entry in params.layout().clone().entries() {
        let own = &mut params.values_mut()[entry.range.clone()];
        let salt = entry.key.bytes().map(usize::from).sum();
        let positive = entry.key.ends_with(".variance") || entry.key.ends_with(".std");
        for (v, n) in own.iter_mut().zip(numbers(entry.range.len(), salt)) {
            *v = if positive { 1.0 + n.abs() } else { *v + 0.3 * n };
        }
    }
    params
}

/// What a plan computes: outputs, and in training gradients and then buffers.
struct Results {
    outputs: Vec<f64>,
    tensors: BTreeMap<String, Vec<f64>>,
}

fn run<T: Real>(g: &VerifiedGraph, params: &ParamStore<T>, mode: Mode) -> Results {
    let plan = Plan::<T>::compile(g, BATCH, mode).unwrap();
    let (mut params, mut arena) = (params.clone(), plan.arena());
    let mut grads = vec![T::of(f64::NAN); params.layout().trained().len()];
    let (x, t) = plan.sample(&mut arena);
    for (to, salt) in [(x, 1), (t, 2)] {
        let numbers = numbers(to.len(), salt);
        to.iter_mut().zip(numbers).for_each(|(v, n)| *v = T::of(n));
    }
    plan.train(&params, &mut grads, &mut arena, 5);
    plan.update_buffers(&mut params, &arena);
    let mut tensors = BTreeMap::new();
    for entry in params.layout().entries().iter().filter(|_| mode != Mode::Infer) {
        let from = if entry.role == Role::Buffer { params.values() } else { &grads };
        tensors.insert(entry.key.clone(), from[entry.range.clone()].iter().map(|v| v.f64()).collect());
    }
    Results { outputs: plan.output(&arena).iter().map(|v| v.f64()).collect(), tensors }
}

/// Largest difference, relative to the largest of the expected numbers or to 1.
fn difference(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
    let worst = got.iter().zip(expected).map(|(g, e)| (g - e).abs() / scale);
    worst.fold(0.0, |m: f64, d| if d.is_nan() { f64::INFINITY } else { m.max(d) })
}

/// A small random graph, with much that can be simplified: each recipe entry adds nodes that read earlier ones.
fn grow(recipe: &[(u8, u8, u8)]) -> VerifiedGraph {
    fn node(g: &mut Graph, kind: u8, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        match kind % 27 {
            0 => g.push(Conv::same(2, &[3, 3]), &[a]),
            1 => g.push(Conv::same(2, &[1, 1]).with_bias(), &[a]),
            2 => g.push(Linear { out: 2, bias: false }, &[a]),
            3 | 4 => g.push(Activation(Function::Relu), &[a]),
            5 => g.push(Activation(Function::Tanh), &[a]),
            6 => g.push(Activation(Function::Sigmoid), &[a]),
            7 | 8 => g.push(Zero, &[a]),
            9 | 10 => g.push(Add, &[a, b]),
            11 => g.push(Add, &[a, b, a]),
            12 => g.push(Mul, &[a, b]),
            13 => {
                let (left, right) = (Slice { start: 0, end: 1 }, Slice { start: 1, end: 2 });
                let parts = [g.push(left, &[b])?, g.push(right, &[a])?];
                g.push(Concat, &parts)
            }
            14 => g.push(Pool::same(Pooling::Max, &[3, 3]), &[a]),
            15 => g.push(Pool::same(Pooling::Average, &[3, 3]), &[a]),
            16 => {
                let gate = g.push(GlobalPool(Pooling::Average), &[b])?;
                let gate = g.push(Activation(Function::HardSwish), &[gate])?;
                g.push(Mul, &[a, gate])
            }
            // A large eps keeps the rounding of what is nearly constant small.
            17 => g.push(BatchNorm { eps: 0.1, momentum: 0.1 }, &[a]),
            18 => {
                let conv = g.push(Conv::same(2, &[3, 3]).groups(2), &[a])?;
                g.push(BatchNorm { eps: 0.1, momentum: 0.1 }, &[conv])
            }
            19 => {
                let pair = [g.push(Dropout { rate: 0.3 }, &[a])?, g.push(Dropout { rate: 0.3 }, &[a])?];
                g.push(Mul, &pair)
            }
            20 => g.push(DropPath { rate: 0.0 }, &[a]),
            21 => g.push(Scale { init: 1.0 }, &[a]),
            22 | 23 => {
                let context = g.push(GlobalPool(Pooling::Average), &[b])?;
                g.push(Add, &[context, a])
            }
            24 => g.push(Mean { drop: 0.3 }, &[a, b]),
            25 => g.push(Permute(vec![1, 0, 2]), &[a]),
            _ => {
                let flat = g.push(Reshape(vec![32]), &[a])?;
                g.push(Reshape(SHAPE.to_vec()), &[flat])
            }
        }
    }
    let mut g = Graph::new("random");
    let mut made = vec![g.input(&SHAPE).unwrap()];
    for &(kind, a, b) in recipe {
        let pick = |i: u8| made[i as usize % made.len()];
        let (a, b) = (pick(a), pick(b));
        made.push(node(&mut g, kind, a, b).unwrap());
    }
    let read: Vec<NodeId> = g.nodes().iter().flat_map(|n| n.inputs.clone()).collect();
    let unread: Vec<NodeId> = made.into_iter().filter(|x| !read.contains(x)).collect();
    let y = if let [only] = unread[..] { only } else { g.push(Add, &unread).unwrap() };
    let flat = flatten(&mut g, y).unwrap();
    let y = g.push(Linear::new(2), &[flat]).unwrap();
    g.output(y);
    g.verify().unwrap()
}

/// The same function, in which no pass finds anything: scales of 1 keep operators apart, a scale of 0 is a zero.
fn opaque(g: &VerifiedGraph) -> (VerifiedGraph, ParamStore<f64>) {
    let mut new = Graph::new("opaque");
    let mut at: Vec<NodeId> = Vec::new();
    for (i, node) in g.nodes().iter().enumerate() {
        let mut inputs = Vec::new();
        for (k, x) in node.inputs.iter().enumerate() {
            let one = Arc::new(Scale { init: 1.0 });
            inputs.push(new.add(format!("opaque_{i}_{k}"), one, &[at[x.0]]).unwrap());
        }
        let op: Arc<dyn Op> = match &node.op {
            op if op.downcast::<Zero>().is_some() => Arc::new(Scale { init: 0.0 }),
            op if op.is_identity(&g.input_facts(NodeId(i))) => Arc::new(Scale { init: 1.0 }),
            op => op.clone(),
        };
        at.push(new.add(node.name.clone(), op, &inputs).unwrap());
    }
    g.outputs().iter().for_each(|o| new.output(at[o.0]));
    let (new, known) = (new.verify().unwrap(), parameters(g));
    let mut params = ParamStore::new(&new, 0).map(f64::from);
    for entry in known.layout().entries() {
        params.get_mut(&entry.key).unwrap().copy_from_slice(&known.values()[entry.range.clone()]);
    }
    (new, params)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn simplified_graphs_compute_and_learn_the_same(
        recipe in prop::collection::vec(any::<(u8, u8, u8)>(), 1..16),
        squared: bool,
    ) {
        let g = grow(&recipe);
        let (simple, (reference, values)) = (simplify(&g), opaque(&g));
        prop_assert!(simple.nodes().len() <= g.nodes().len());
        prop_assert_eq!(simplify(&simple).to_text(), simple.to_text());
        for mode in [Mode::Infer, Mode::Train(LOSSES[usize::from(squared)])] {
            let expected = run(&reference, &values, mode);
            let largest = expected.tensors.values().flatten().fold(0.0, |m: f64, v| m.max(v.abs()));
            prop_assume!(expected.outputs.iter().all(|v| v.abs() < 1e3) && largest < 1e3);
            let whole = run(&g, &parameters(&g), mode);
            let part = run(&simple, &parameters(&simple), mode);
            for (got, of) in [(&whole, &g), (&part, &simple)] {
                let error = difference(&got.outputs, &expected.outputs);
                prop_assert!(error < 1e-12, "{mode:?}: outputs differ by {error} in\n{}", of.to_text());
                for (key, values) in got.tensors.iter().filter(|(k, _)| part.tensors.contains_key(*k)) {
                    let error = difference(values, &expected.tensors[key]);
                    prop_assert!(error < 1e-9, "{key} differs by {error} in\n{}", of.to_text());
                }
            }
            let trained = g.nodes().iter().enumerate().flat_map(|(i, n)| {
                let own = g.params_of(NodeId(i)).into_iter().filter(|p| p.role != Role::Buffer);
                own.map(move |p| format!("{}.{}", n.name, p.name))
            });
            for key in trained.filter(|k| mode != Mode::Infer && !part.tensors.contains_key(k)) {
                prop_assert!(expected.tensors[&key].iter().all(|&v| v == 0.0), "{key} had a gradient");
                prop_assert!(whole.tensors[&key].iter().all(|&v| v == 0.0), "{key} has a gradient");
            }
        }
    }

    #[test]
    fn folded_random_graphs_infer_the_same(recipe in prop::collection::vec(any::<(u8, u8, u8)>(), 1..16)) {
        let g = grow(&recipe);
        let params = parameters(&g);
        let expected = run(&g, &params, Mode::Infer).outputs;
        let (folded, values) = fold_batch_norm(&g, &params);
        let error = difference(&run(&folded, &values, Mode::Infer).outputs, &expected);
        prop_assert!(error < 1e-10, "{error} in\n{}", g.to_text());
        let (merged, values) = reparametrise(&g, &params);
        let error = difference(&run(&merged, &values, Mode::Infer).outputs, &expected);
        prop_assert!(error < 1e-9, "merged: {error} in\n{}", g.to_text());
    }
}

/// A graph around one operator: an invisible zero for every input.
fn on_zeros(op: Arc<dyn Op>, shapes: &[Vec<usize>]) -> VerifiedGraph {
    let mut g = Graph::new("on zeros");
    let x = g.input(&[4]).unwrap();
    let zero = |g: &mut Graph, shape: &Vec<usize>| {
        let part = g.push(Linear::new(shape.iter().product()), &[x])?;
        let part = g.push(Scale { init: 0.0 }, &[part])?;
        g.push(Reshape(shape.clone()), &[part])
    };
    let inputs: Vec<NodeId> = shapes.iter().map(|s| zero(&mut g, s).unwrap()).collect();
    let y = g.add("op", op, &inputs).unwrap();
    g.output(y);
    g.verify().unwrap()
}

#[test]
fn operators_keep_zeros_as_they_say() {
    let mut seen = 0;
    for (op, shapes) in OPS.iter().flat_map(|k| (k.examples)()).filter(|(op, _)| op.keeps_zero()) {
        let what = format!("{op:?}");
        let g = on_zeros(op, &shapes);
        let mut params = ParamStore::new(&g, 7).map(f64::from);
        params.get_mut("op.gamma").into_iter().flatten().for_each(|v| *v = 0.7);
        for mode in [Mode::Infer, Mode::Train(LOSSES[0]), Mode::Train(LOSSES[1])] {
            let got = run(&g, &params, mode);
            assert!(got.outputs.iter().all(|&v| v == 0.0), "{what}, {mode:?}");
            let own = got.tensors.iter().filter(|(key, _)| key.starts_with("op."));
            assert!(own.flat_map(|(_, v)| v).all(|&v| v == 0.0), "{what}: a parameter learns from zeros");
        }
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn operators_are_random_as_they_say() {
    for (op, shapes) in OPS.iter().flat_map(|k| (k.examples)()) {
        let (what, random) = (format!("{op:?}"), op.random());
        let mut g = Graph::new("random");
        let x = g.input(&[4]).unwrap();
        let part = |g: &mut Graph, shape: &Vec<usize>| {
            let part = g.push(Linear::new(shape.iter().product()), &[x])?;
            g.push(Reshape(shape.clone()), &[part])
        };
        let inputs: Vec<NodeId> = shapes.iter().map(|s| part(&mut g, s).unwrap()).collect();
        let y = g.add("op", op, &inputs).unwrap();
        g.output(y);
        let g = g.verify().unwrap();
        let (plan, params) = (Plan::compile(&g, 8, Mode::Train(LOSSES[0])).unwrap(), parameters(&g));
        let (mut arena, mut grads) = (plan.arena(), vec![0.0; params.layout().trained().len()]);
        let mut at = |seed| {
            let x = plan.input(&mut arena);
            x.iter_mut().zip(numbers(32, 1)).for_each(|(v, n)| *v = n);
            plan.train(&params, &mut grads, &mut arena, seed);
            plan.output(&arena).to_vec()
        };
        let differs = (1..8).any(|seed| at(seed) != at(0));
        assert_eq!(differs, random, "{what}");
    }
}

/// Batch normalisation behind everything that spaces put before it, and where it cannot be folded.
fn with_batch_norm() -> Vec<(&'static str, usize, VerifiedGraph)> {
    let graph = |shape: &[usize], build: &dyn Fn(&mut Graph, NodeId) -> Result<NodeId, GraphError>| {
        let mut g = Graph::new("norm");
        let x = g.input(shape).unwrap();
        let y = build(&mut g, x).unwrap();
        let y = flatten(&mut g, y).unwrap();
        let y = g.push(Linear::new(3), &[y]).unwrap();
        g.output(y);
        g.verify().unwrap()
    };
    let norm = |g: &mut Graph, x| g.push(BatchNorm::default(), &[x]);
    let after = |op: fn() -> Conv| {
        move |g: &mut Graph, x| {
            let y = g.push(op(), &[x])?;
            let y = norm(g, y)?;
            g.push(Activation(Function::Silu), &[y])
        }
    };
    let residual = |g: &mut Graph, x| {
        let x = conv_bn_act(g, x, Conv::same(4, &[3, 3]), Some(Function::Relu))?;
        let block = InvertedResidual::new(4, 3, 4, &[3, 3]).squeeze(0.25).act(Function::HardSwish);
        inverted_residual(g, x, &block)
    };
    vec![
        ("a convolution", 1, graph(&[6, 6, 3], &after(|| Conv::same(5, &[3, 3])))),
        ("one with a bias", 1, graph(&[6, 6, 3], &after(|| Conv::same(5, &[3, 3]).with_bias()))),
        ("one of size 1", 1, graph(&[6, 6, 3], &after(|| Conv::same(5, &[1, 1])))),
        ("one in groups", 1, graph(&[6, 6, 4], &after(|| Conv::same(6, &[3, 3]).groups(2).stride(2)))),
        ("a depthwise one", 1, graph(&[6, 6, 4], &after(|| Conv::same(4, &[5, 5]).groups(4)))),
        ("one over time", 1, graph(&[9, 3], &after(|| Conv::same(4, &[5]).dilation(2)))),
        ("an inverted residual", 4, graph(&[6, 6, 3], &residual)),
        (
            "a linear layer with noise",
            1,
            graph(&[7], &|g, x| {
                let y = g.push(Linear { out: 5, bias: false }, &[x])?;
                let y = g.push(Dropout { rate: 0.5 }, &[y])?;
                norm(g, y)
            }),
        ),
        (
            "a chain of maps",
            2,
            graph(&[5, 4], &|g, x| {
                let y = g.push(Standardize { inverse: false }, &[x])?;
                let y = g.push(Linear::new(5), &[y])?;
                let y = norm(g, y)?;
                let y = g.push(Scale { init: 0.5 }, &[y])?;
                g.push(Standardize { inverse: true }, &[y])
            }),
        ),
        (
            "an activation",
            0,
            graph(&[6, 6, 3], &|g, x| {
                let y = g.push(Conv::same(5, &[3, 3]), &[x])?;
                let y = g.push(Activation(Function::Relu), &[y])?;
                norm(g, y)
            }),
        ),
        (
            "a convolution that others read",
            0,
            graph(&[6, 6, 3], &|g, x| {
                let y = g.push(Conv::same(5, &[3, 3]), &[x])?;
                let z = norm(g, y)?;
                g.push(Add, &[y, z])
            }),
        ),
        ("the input", 0, graph(&[6, 6, 3], &norm)),
    ]
}

#[test]
fn folded_networks_infer_the_same_in_both_precisions() {
    for (after, gone, g) in with_batch_norm() {
        let params = parameters(&g);
        let expected = run(&g, &params, Mode::Infer).outputs;
        let (folded, values) = fold_batch_norm(&g, &params);
        let noise = g.nodes().iter().filter(|n| n.op.random()).count();
        assert_eq!(folded.nodes().len() + gone + noise, g.nodes().len(), "{after}");
        let error = difference(&run(&folded, &values, Mode::Infer).outputs, &expected);
        assert!(error < 1e-13, "{after}: {error}");
        let (folded, values) = fold_batch_norm(&g, &params.map(|v| v as f32));
        let error = difference(&run(&folded, &values, Mode::Infer).outputs, &expected);
        assert!(error < 1e-5, "{after}: {error} in f32");
    }
}

/// Linear layers that are added up or follow each other, and the layers that remain of them.
fn with_linear_parts() -> Vec<(&'static str, usize, VerifiedGraph)> {
    type Part<'a> = &'a dyn Fn(&mut Graph, NodeId) -> Result<NodeId, GraphError>;
    let graph = |shape: &[usize], parts: &[Part]| {
        let mut g = Graph::new("parts");
        let x = g.input(shape).unwrap();
        let x = g.push(Activation(Function::Tanh), &[x]).unwrap();
        let parts: Vec<NodeId> = parts.iter().map(|part| part(&mut g, x).unwrap()).collect();
        let y = if let [only] = parts[..] { only } else { g.push(Add, &parts).unwrap() };
        let y = g.push(Activation(Function::Silu), &[y]).unwrap();
        g.output(y);
        g.verify().unwrap()
    };
    let conv = |conv: Conv| {
        move |g: &mut Graph, x| {
            let y = g.push(conv.clone(), &[x])?;
            g.push(BatchNorm::default(), &[y])
        }
    };
    let norm = |g: &mut Graph, x| g.push(BatchNorm::default(), &[x]);
    let scale = |g: &mut Graph, x| g.push(Scale { init: 1.0 }, &[x]);
    let itself = |_: &mut Graph, x| Ok(x);
    let window = |k: usize| Conv::same(4, &[k, k]);
    let then = |first: Conv, second: Conv| {
        move |g: &mut Graph, x| {
            let y = g.push(first.clone(), &[x])?;
            let y = g.push(BatchNorm::default(), &[y])?;
            let y = g.push(second.clone(), &[y])?;
            g.push(BatchNorm::default(), &[y])
        }
    };
    let linear = |g: &mut Graph, x| {
        let y = g.push(Linear { out: 9, bias: false }, &[x])?;
        let y = g.push(BatchNorm::default(), &[y])?;
        g.push(Linear::new(3), &[y])
    };
    vec![
        ("RepVGG", 1, graph(&[5, 6, 4], &[&norm, &conv(window(1)), &conv(window(3))])),
        ("with a stride", 1, graph(&[5, 6, 3], &[&conv(window(1).stride(2)), &conv(window(3).stride(2))])),
        (
            "in groups",
            1,
            graph(&[5, 6, 4], &[&norm, &conv(window(1).groups(2)), &conv(window(3).groups(2).with_bias())]),
        ),
        (
            "MobileOne",
            1,
            graph(
                &[5, 6, 4],
                &[&norm, &conv(window(1).groups(4)), &conv(window(3).groups(4)), &conv(window(3).groups(4))],
            ),
        ),
        ("over time", 1, graph(&[9, 4], &[&conv(Conv::same(4, &[5])), &conv(Conv::same(4, &[3])), &itself])),
        (
            "a dilated window in a large one",
            1,
            graph(&[7, 7, 4], &[&conv(window(5)), &conv(window(3).dilation(2))]),
        ),
        (
            "windows along each axis",
            1,
            graph(
                &[6, 6, 4],
                &[&conv(window(3)), &conv(Conv::same(4, &[1, 3])), &conv(Conv::same(4, &[3, 1]))],
            ),
        ),
        ("the value and its scale", 1, graph(&[5, 5, 4], &[&itself, &scale, &conv(window(3))])),
        (
            "a window that does not fit",
            2,
            graph(&[7, 7, 4], &[&conv(window(3)), &conv(window(3).dilation(2))]),
        ),
        ("two values", 3, graph(&[5, 6, 4], &[&conv(window(3)), &then(window(3), window(3))])),
        ("a row of two", 1, graph(&[5, 6, 3], &[&then(window(3).stride(2), window(1))])),
        (
            "a row of two in a sum",
            1,
            graph(&[5, 6, 4], &[&norm, &then(window(1), window(1)), &conv(window(3))]),
        ),
        ("a bottleneck", 2, graph(&[5, 6, 9], &[&then(Conv::same(2, &[1, 1]), Conv::same(9, &[1, 1]))])),
        ("linear layers", 1, graph(&[7], &[&linear])),
    ]
}

#[test]
fn reparametrised_networks_infer_the_same_in_both_precisions() {
    for (what, left, g) in with_linear_parts() {
        let params = parameters(&g);
        let expected = run(&g, &params, Mode::Infer).outputs;
        let (merged, values) = reparametrise(&g, &params);
        let is_layer = |op: &dyn Op| op.downcast::<Conv>().is_some() || op.downcast::<Linear>().is_some();
        let layers = merged.nodes().iter().filter(|n| is_layer(&*n.op)).count();
        assert_eq!(layers, left, "{what}:\n{}", merged.to_text());
        assert!(!merged.nodes().iter().any(|n| left == 1 && n.op.downcast::<Add>().is_some()), "{what}");
        let error = difference(&run(&merged, &values, Mode::Infer).outputs, &expected);
        assert!(error < 1e-12, "{what}: {error}");
        let (merged, values) = reparametrise(&g, &params.map(|v| v as f32));
        let error = difference(&run(&merged, &values, Mode::Infer).outputs, &expected);
        assert!(error < 1e-5, "{what}: {error} in f32");
    }
}
