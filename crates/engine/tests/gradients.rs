//! Every operator's gradient, against finite differences in f64, and invariants of plans.

mod random;

use nasmyth_engine::{Arena, Loss, Mode, Options, ParamStore, Plan};
use nasmyth_graph::ops::{BatchNorm, Conv, ConvTranspose, Linear, MatMul, Permute, Reshape, Slice};
use nasmyth_graph::{Example, Graph, NodeId, OPS, Op, VerifiedGraph};
use proptest::prelude::*;
use random::random_graph;
use std::sync::Arc;

const BATCH: usize = 3;

/// A graph that trains through one operator: a linear layer makes its inputs, another reads its output.
fn around(op: Arc<dyn Op>, shapes: &[Vec<usize>]) -> VerifiedGraph {
    let mut g = Graph::new("around");
    let total: usize = shapes.iter().map(|s| s.iter().product::<usize>()).sum();
    let x = g.input(&[4]).unwrap();
    let wide = g.push(Linear::new(total), &[x]).unwrap();
    let mut start = 0;
    let inputs: Vec<NodeId> = shapes
        .iter()
        .map(|shape| {
            let end = start + shape.iter().product::<usize>();
            let part = g.push(Slice { start, end }, &[wide]).unwrap();
            start = end;
            g.push(Reshape(shape.clone()), &[part]).unwrap()
        })
        .collect();
    let y = g.add("op", op, &inputs).unwrap();
    let flat = nasmyth_graph::blocks::flatten(&mut g, y).unwrap();
    let y = g.push(Linear::new(3), &[flat]).unwrap();
    g.output(y);
    g.verify().unwrap()
}

/// Numbers in ±1 that follow from their index alone.
fn numbers(len: usize, salt: f64) -> Vec<f64> {
    (0..len).map(|i| ((i as f64 * 12.9898 + salt).sin() * 43_758.545_3).fract()).collect()
}

struct Check {
    plan: Plan<f64>,
    params: ParamStore<f64>,
    arena: Arena<f64>,
    x: Vec<f64>,
    t: Vec<f64>,
}

impl Check {
    fn new(g: &VerifiedGraph, loss: Loss) -> Self {
        Self::with(g, Options::new(BATCH, Mode::Train(loss)))
    }

    /// Split as far as it goes: every sample is a chunk, and there are two parts.
    fn split(g: &VerifiedGraph, loss: Loss) -> Self {
        Self::with(g, Options { parts: 2, cache: 0, ..Options::new(BATCH, Mode::Train(loss)) })
    }

    fn with(g: &VerifiedGraph, options: Options) -> Self {
        let plan = Plan::compile_with(g, options).unwrap();
        let mut arena = plan.arena();
        let mut params = ParamStore::new(g, 7).map(f64::from);
        let noise = numbers(params.values().len(), 5.0);
        params.values_mut().iter_mut().zip(noise).for_each(|(p, n)| *p += 0.1 * n);
        let x = numbers(plan.input(&mut arena).len(), 1.0);
        let mut t = numbers(plan.target(&mut arena).len(), 2.0);
        if options.mode == Mode::Train(Loss::CrossEntropy) {
            let width = t.len() / BATCH;
            for row in t.chunks_exact_mut(width) {
                let sum: f64 = row.iter().map(|v| v.abs()).sum();
                row.iter_mut().for_each(|v| *v = v.abs() / sum);
            }
        }
        Self { plan, params, arena, x, t }
    }

    fn run(&mut self, grads: &mut [f64]) -> f64 {
        self.plan.input(&mut self.arena).copy_from_slice(&self.x);
        self.plan.target(&mut self.arena).copy_from_slice(&self.t);
        self.plan.train(&self.params, grads, &mut self.arena, 11)
    }

    /// Largest error of the gradient, relative to its size or to 1e-3, over (a sample of) the parameters.
    fn worst(&mut self) -> (f64, usize) {
        let trained = self.params.layout().trained().len();
        let (mut grads, mut unused) = (vec![f64::NAN; trained], vec![0.0; trained]);
        self.run(&mut grads);
        let (step, mut worst) = (1e-6, (0.0, 0));
        for i in (0..trained).step_by((trained / 200).max(1)) {
            let old = self.params.values()[i];
            let mut at = |v: f64| {
                self.params.values_mut()[i] = v;
                self.run(&mut unused)
            };
            let slope = (at(old + step) - at(old - step)) / (2.0 * step);
            self.params.values_mut()[i] = old;
            let error = (grads[i] - slope).abs() / slope.abs().max(1e-3);
            if error.is_nan() || error > worst.0 {
                worst = (error, i);
            }
        }
        worst
    }
}

#[test]
fn every_operator_has_the_gradient_of_its_forward_pass() {
    let mut checked = 0;
    for (op, shapes) in OPS.iter().flat_map(|k| (k.examples)()) {
        let what = format!("{op:?} on {shapes:?}");
        let g = around(op, &shapes);
        for loss in [Loss::CrossEntropy, Loss::SquaredError { variance: 2.0 }] {
            let (worst, at) = Check::new(&g, loss).worst();
            assert!(worst < 1e-5, "{what}: relative error {worst:.2e} at parameter {at}");
            let (worst, at) = Check::split(&g, loss).worst();
            assert!(worst < 1e-5, "{what}, split: relative error {worst:.2e} at parameter {at}");
        }
        checked += 1;
    }
    assert!(checked > 40, "{checked}");
}

#[test]
fn every_operator_has_a_kernel_and_computes_the_same_in_both_precisions() {
    for (op, shapes) in OPS.iter().flat_map(|k| (k.examples)()) {
        let what = format!("{op:?}");
        let g = around(op, &shapes);
        let params = ParamStore::new(&g, 3);
        let wide = params.map(f64::from);
        for mode in [Mode::Infer, Mode::Train(Loss::CrossEntropy)] {
            let (single, double) = (
                Plan::<f32>::compile(&g, BATCH, mode).unwrap(),
                Plan::<f64>::compile(&g, BATCH, mode).unwrap(),
            );
            let (mut a, mut b) = (single.arena(), double.arena());
            let x = numbers(BATCH * 4, 3.0);
            single.input(&mut a).iter_mut().zip(&x).for_each(|(i, &v)| *i = v as f32);
            double.input(&mut b).copy_from_slice(&x);
            if mode == Mode::Infer {
                single.forward(&params, &mut a);
                double.forward(&wide, &mut b);
            } else {
                let trained = params.layout().trained().len();
                single.train(&params, &mut vec![0.0; trained], &mut a, 1);
                double.train(&wide, &mut vec![0.0; trained], &mut b, 1);
            }
            for (p, q) in single.output(&a).iter().zip(double.output(&b)) {
                assert!(
                    (f64::from(*p) - q).abs() < 1e-4 * q.abs().max(1.0),
                    "{what} {mode:?}: {p} against {q}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn gradients_of_random_graphs_are_right(recipe in prop::collection::vec(any::<(u8, u8, u8)>(), 1..9)) {
        let g = random_graph(&recipe);
        for mut check in [Check::new(&g, Loss::CrossEntropy), Check::split(&g, Loss::CrossEntropy)] {
            let (worst, at) = check.worst();
            prop_assert!(worst < 1e-4, "relative error {:.2e} at {} of\n{}", worst, at, g.to_text());
        }
    }

    #[test]
    fn a_step_repeats_bit_for_bit(recipe in prop::collection::vec(any::<(u8, u8, u8)>(), 1..9)) {
        let mut check = Check::new(&random_graph(&recipe), Loss::CrossEntropy);
        let trained = check.params.layout().trained().len();
        let (mut a, mut b) = (vec![0.0; trained], vec![1.0; trained]);
        let first = check.run(&mut a);
        prop_assert_eq!(first.to_bits(), check.run(&mut b).to_bits());
        prop_assert_eq!(a, b);
    }
}

#[test]
fn running_statistics_follow_the_batches() {
    let mut g = Graph::new("bn");
    let x = g.input(&[2]).unwrap();
    let h = g.add("bn", Arc::new(BatchNorm::default()), &[x]).unwrap();
    let y = g.push(Linear::new(2), &[h]).unwrap();
    g.output(y);
    let mut check = Check::new(&g.verify().unwrap(), Loss::CrossEntropy);
    check.params.get_mut("bn.mean").unwrap().fill(0.0);
    check.params.get_mut("bn.variance").unwrap().fill(1.0);
    check.x = vec![1.0, 10.0, 2.0, 20.0, 6.0, 60.0];
    let mut grads = vec![0.0; check.params.layout().trained().len()];
    check.run(&mut grads);
    let Check { plan, params, arena, .. } = &mut check;
    plan.update_buffers(params, arena);
    let near = |key: &str, expected: [f64; 2]| {
        let got = params.get(key).unwrap();
        assert!(
            got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-9),
            "{key}: {got:?} against {expected:?}"
        );
    };
    near("bn.mean", [0.3, 3.0]);
    near("bn.variance", [0.9 + 0.1 * 7.0, 0.9 + 0.1 * 700.0]); // unbiased variances 7 and 700
}

/// Shapes that the specialised kernels of convolutions divide into blocks, tiles and what is left of them.
fn convolutions() -> Vec<(Conv, Vec<usize>)> {
    let padded = |out, kernel: &[usize], pad: usize| Conv {
        pad: vec![pad; 2 * kernel.len()],
        ..Conv::same(out, kernel)
    };
    let depthwise = |channels, kernel: &[usize], stride| Conv {
        groups: channels,
        ..Conv::same(channels, kernel).stride(stride)
    };
    vec![
        (Conv::same(12, &[3, 3]), vec![7, 5, 17]),
        (Conv::same(13, &[3, 3]).with_bias(), vec![17, 18, 12]),
        (padded(12, &[3, 3], 0), vec![18, 19, 13]),
        (Conv::same(33, &[3, 3]).with_bias(), vec![2, 9, 12]),
        (padded(16, &[3, 3], 0), vec![6, 7, 16]),
        (padded(13, &[3, 3], 2), vec![4, 3, 14]),
        (depthwise(3, &[3, 3], 1), vec![5, 11, 3]),
        (depthwise(18, &[5, 5], 1).with_bias(), vec![9, 10, 18]),
        (depthwise(17, &[7, 7], 1), vec![4, 9, 17]),
        (depthwise(20, &[3, 3], 2), vec![7, 18, 20]),
        (depthwise(5, &[5, 5], 2), vec![6, 9, 5]),
        (depthwise(9, &[3, 5], 3), vec![7, 12, 9]),
        (depthwise(4, &[3, 3], 4), vec![9, 10, 4]),
        (Conv { pad: vec![3; 4], ..depthwise(5, &[3, 3], 1) }, vec![6, 9, 5]),
        (Conv { pad: vec![4, 3, 2, 3], dilation: vec![2, 3], ..depthwise(7, &[3, 3], 2) }, vec![11, 13, 7]),
        (depthwise(6, &[9], 1), vec![19, 6]),
        (Conv { pad: vec![4, 4], dilation: vec![2], ..depthwise(6, &[5], 1) }, vec![11, 6]),
    ]
}

#[test]
fn convolutions_in_blocks_have_the_gradient_of_their_forward_pass() {
    for (conv, shape) in convolutions() {
        let what = format!("{conv:?} on {shape:?}");
        let g = around(Arc::new(conv), &[shape]);
        let (worst, at) = Check::split(&g, Loss::SquaredError { variance: 2.0 }).worst();
        assert!(worst < 1e-5, "{what}: relative error {worst:.2e} at parameter {at}");
    }
}

/// Shapes that fill several register tiles, and windows that leave gaps or cover others.
fn products() -> Vec<Example> {
    let cut = ConvTranspose { pad: vec![2, 0, 1, 3], ..ConvTranspose::new(6, &[5, 4], &[2, 3]) };
    vec![
        (Arc::new(MatMul { transpose_b: true, factor: 0.3 }), vec![vec![2, 9, 17], vec![2, 21, 17]]),
        (Arc::new(MatMul::default()), vec![vec![2, 9, 17], vec![2, 17, 19]]),
        (Arc::new(cut.groups(2).with_bias()), vec![vec![4, 5, 4]]),
        (Arc::new(ConvTranspose::new(19, &[2, 2], &[2, 2])), vec![vec![3, 4, 18]]),
        (Arc::new(ConvTranspose::new(3, &[1, 2], &[3, 3])), vec![vec![3, 4, 2]]),
        (Arc::new(Permute(vec![2, 0, 3, 1])), vec![vec![3, 4, 2, 5]]),
        (Arc::new(Permute(vec![0, 2, 1])), vec![vec![1, 4, 6]]),
    ]
}

#[test]
fn products_have_the_gradient_of_their_forward_pass() {
    for (op, shapes) in products() {
        let what = format!("{op:?} on {shapes:?}");
        let g = around(op, &shapes);
        let (worst, at) = Check::split(&g, Loss::SquaredError { variance: 2.0 }).worst();
        assert!(worst < 1e-5, "{what}: relative error {worst:.2e} at parameter {at}");
    }
}

#[test]
fn a_product_of_a_value_with_itself_has_both_gradients() {
    let mut g = Graph::new("gram");
    let x = g.input(&[4]).unwrap();
    let x = g.push(Linear::new(12), &[x]).unwrap();
    let x = g.push(Reshape(vec![3, 4]), &[x]).unwrap();
    let y = g.push(MatMul { transpose_b: true, factor: 0.5 }, &[x, x]).unwrap();
    let y = g.push(Reshape(vec![9]), &[y]).unwrap();
    let y = g.push(Linear::new(3), &[y]).unwrap();
    g.output(y);
    let (worst, at) = Check::new(&g.verify().unwrap(), Loss::CrossEntropy).worst();
    assert!(worst < 1e-5, "relative error {worst:.2e} at parameter {at}");
}
