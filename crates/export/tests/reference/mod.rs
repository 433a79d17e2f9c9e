//! A slow evaluator of graphs, written for clarity: float64, channels last, one sample, plain loops.
#![allow(dead_code)] // each test uses its part

mod windows;

use nasmyth_engine::ParamStore;
use nasmyth_graph::ops::*;
use nasmyth_graph::{Graph, NodeId, OPS, Op, VerifiedGraph};
use std::sync::Arc;

/// A value: shape and elements.
#[derive(Clone, Debug)]
pub struct Array {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

impl Array {
    fn channels(&self) -> usize {
        *self.shape.last().unwrap()
    }
    fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { shape: self.shape.clone(), data: self.data.iter().map(|&v| f(v)).collect() }
    }
    fn per_channel(&self, f: impl Fn(usize, f64) -> f64) -> Self {
        let c = self.channels();
        let data = self.data.iter().enumerate().map(|(i, &v)| f(i % c, v)).collect();
        Self { shape: self.shape.clone(), data }
    }
    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.data.chunks(self.channels())
    }
}

/// The outputs of a graph for one sample.
pub fn evaluate(g: &VerifiedGraph, params: &ParamStore<f32>, sample: &[f32]) -> Vec<Array> {
    let mut values: Vec<Array> = Vec::new();
    for (i, node) in g.nodes().iter().enumerate() {
        let inputs: Vec<&Array> = node.inputs.iter().map(|id| &values[id.0]).collect();
        let shape = node.fact.shape().to_vec();
        let param = |name: &str| -> Vec<f64> {
            let values = params.get(&format!("{}.{name}", node.name)).unwrap();
            values.iter().map(|&v| f64::from(v)).collect()
        };
        let value = if node.op.downcast::<Input>().is_some() {
            Array { shape, data: sample.iter().map(|&v| f64::from(v)).collect() }
        } else {
            apply(node.op.as_ref(), &inputs, &shape, &param)
        };
        assert_eq!(value.data.len(), g.fact(NodeId(i)).len(), "{}", node.name);
        values.push(value);
    }
    g.outputs().iter().map(|o| values[o.0].clone()).collect()
}

fn apply(op: &dyn Op, inputs: &[&Array], shape: &[usize], param: &dyn Fn(&str) -> Vec<f64>) -> Array {
    let x = inputs[0];
    if let Some(op) = op.downcast::<Conv>() {
        let bias = op.bias.then(|| param("bias"));
        return windows::conv(op, x, shape, &param("weight"), bias.as_deref());
    }
    if let Some(op) = op.downcast::<ConvTranspose>() {
        let bias = op.bias.then(|| param("bias"));
        return windows::conv_transpose(op, x, shape, &param("weight"), bias.as_deref());
    }
    if let Some(op) = op.downcast::<MatMul>() {
        return matmul(op, x, inputs[1], shape);
    }
    if let Some(op) = op.downcast::<Linear>() {
        let (w, b) = (param("weight"), if op.bias { param("bias") } else { vec![0.0; op.out] });
        let dot = |row: &[f64], o: usize| {
            b[o] + row.iter().enumerate().map(|(i, v)| v * w[i * op.out + o]).sum::<f64>()
        };
        let data = x.rows().flat_map(|row| (0..op.out).map(|o| dot(row, o)).collect::<Vec<_>>()).collect();
        return Array { shape: shape.to_vec(), data };
    }
    if let Some(op) = op.downcast::<Embedding>() {
        let (w, offsets) = (param("weight"), op.offsets());
        let row = |i: usize| offsets[i] + x.data[i].clamp(0.0, op.cardinalities[i] as f64 - 1.0) as usize;
        let data = (0..offsets.len()).flat_map(|i| w[row(i) * op.width..][..op.width].to_vec()).collect();
        return Array { shape: shape.to_vec(), data };
    }
    if let Some(op) = op.downcast::<TokenEmbedding>() {
        let (w, last) = (param("weight"), op.vocabulary as f64 - 1.0);
        let row = |code: &f64| w[code.clamp(0.0, last) as usize * op.width..][..op.width].to_vec();
        return Array { shape: shape.to_vec(), data: x.data.iter().flat_map(row).collect() };
    }
    if op.downcast::<PositionEmbedding>().is_some() {
        let sum = x.data.iter().zip(param("weight")).map(|(x, w)| x + w);
        return Array { shape: shape.to_vec(), data: sum.collect() };
    }
    if op.downcast::<ClassToken>().is_some() {
        return Array { shape: shape.to_vec(), data: [param("weight"), x.data.clone()].concat() };
    }
    if let Some(op) = op.downcast::<BatchNorm>() {
        let (g, b, m, v) = (param("gamma"), param("beta"), param("mean"), param("variance"));
        return x.per_channel(|c, x| g[c] * (x - m[c]) / (v[c] + op.eps).sqrt() + b[c]);
    }
    if let Some(op) = op.downcast::<LayerNorm>() {
        let (g, b) = (param("gamma"), param("beta"));
        return rows(x, |row| {
            let n = row.len() as f64;
            let mean = row.iter().sum::<f64>() / n;
            let var = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            row.iter().enumerate().map(|(c, v)| g[c] * (v - mean) / (var + op.eps).sqrt() + b[c]).collect()
        });
    }
    if let Some(op) = op.downcast::<Activation>() {
        return x.map(|v| function(op.0, v));
    }
    if let Some(&LeakyRelu { slope }) = op.downcast::<LeakyRelu>() {
        return x.map(|x| if x > 0.0 { x } else { slope * x });
    }
    if op.downcast::<Prelu>().is_some() {
        let slope = param("slope");
        return x.per_channel(|c, x| if x > 0.0 { x } else { slope[c] * x });
    }
    if op.downcast::<Softmax>().is_some() {
        return rows(x, |row| {
            let sum: f64 = row.iter().map(|v| v.exp()).sum();
            row.iter().map(|v| v.exp() / sum).collect()
        });
    }
    if let Some(op) = op.downcast::<Pool>() {
        return windows::pool(op, x, shape);
    }
    if let Some(op) = op.downcast::<BlurPool>() {
        return windows::blur_pool(op, x, shape);
    }
    if let Some(op) = op.downcast::<MaxUnpool>() {
        return windows::max_unpool(op, x, inputs[1]);
    }
    if let Some(op) = op.downcast::<GlobalPool>() {
        let column = |c: usize| x.rows().map(move |r| r[c]).collect::<Vec<_>>();
        let data = (0..x.channels()).map(|c| reduce(op.0, &column(c))).collect();
        return Array { shape: shape.to_vec(), data };
    }
    if op.downcast::<Add>().is_some() {
        let sum = |i: usize| inputs.iter().map(|x| x.data[i % x.data.len()]).sum();
        return Array { shape: shape.to_vec(), data: (0..shape.iter().product()).map(sum).collect() };
    }
    if op.downcast::<Mean>().is_some() {
        let mean = |i: usize| inputs.iter().map(|x| x.data[i]).sum::<f64>() / inputs.len() as f64;
        return Array { shape: shape.to_vec(), data: (0..x.data.len()).map(mean).collect() };
    }
    if op.downcast::<Mix>().is_some() {
        let weight = param("weight");
        let mix = |i: usize| inputs.iter().zip(&weight).map(|(x, w)| w * x.data[i]).sum();
        return Array { shape: shape.to_vec(), data: (0..x.data.len()).map(mix).collect() };
    }
    if let Some(Permute(order)) = op.downcast::<Permute>() {
        return permute(order, x, shape);
    }
    if op.downcast::<Mul>().is_some() {
        let gate = inputs[1];
        let data = x.data.iter().enumerate().map(|(i, v)| v * gate.data[i % gate.data.len()]).collect();
        return Array { shape: shape.to_vec(), data };
    }
    if op.downcast::<Concat>().is_some() {
        let positions = x.data.len() / x.channels();
        let row =
            |p: usize| inputs.iter().flat_map(move |x| x.data[p * x.channels()..][..x.channels()].to_vec());
        return Array { shape: shape.to_vec(), data: (0..positions).flat_map(row).collect() };
    }
    if let Some(op) = op.downcast::<Slice>() {
        let data = x.rows().flat_map(|r| r[op.start..op.end].to_vec()).collect();
        return Array { shape: shape.to_vec(), data };
    }
    if op.downcast::<Scale>().is_some() {
        let g = param("gamma");
        return x.per_channel(|c, x| g[c] * x);
    }
    if let Some(op) = op.downcast::<Standardize>() {
        let (m, s) = (param("mean"), param("std"));
        return x.per_channel(|c, x| if op.inverse { x * s[c] + m[c] } else { (x - m[c]) / s[c] });
    }
    if op.downcast::<Zero>().is_some() {
        return x.map(|_| 0.0);
    }
    let same = ["reshape", "dropout", "channel_dropout", "drop_path"];
    assert!(same.contains(&op.kind()), "{} has no reference", op.kind());
    Array { shape: shape.to_vec(), data: x.data.clone() }
}

fn rows(x: &Array, f: impl Fn(&[f64]) -> Vec<f64>) -> Array {
    Array { shape: x.shape.clone(), data: x.rows().flat_map(f).collect() }
}

fn matmul(op: &MatMul, a: &Array, b: &Array, shape: &[usize]) -> Array {
    let (m, n, k) = (shape[shape.len() - 2], shape[shape.len() - 1], a.channels());
    let dot = |i: usize| {
        let (batch, row, column) = (i / (m * n), i / n % m, i % n);
        let b_at = |j: usize| if op.transpose_b { column * k + j } else { j * n + column };
        let products = (0..k).map(|j| a.data[(batch * m + row) * k + j] * b.data[batch * k * n + b_at(j)]);
        op.factor * products.sum::<f64>()
    };
    Array { shape: shape.to_vec(), data: (0..shape.iter().product()).map(dot).collect() }
}

/// Each element of the output is found at its own indices in the input.
fn permute(order: &[usize], x: &Array, shape: &[usize]) -> Array {
    let source = |at: usize| {
        let mut indices = vec![0; shape.len()];
        let mut rest = at;
        for (axis, &size) in shape.iter().enumerate().rev() {
            (indices[order[axis]], rest) = (rest % size, rest / size);
        }
        indices.iter().zip(&x.shape).fold(0, |at, (i, size)| at * size + i)
    };
    Array { shape: shape.to_vec(), data: (0..x.data.len()).map(|at| x.data[source(at)]).collect() }
}

fn reduce(pooling: Pooling, values: &[f64]) -> f64 {
    match pooling {
        Pooling::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Pooling::Average => values.iter().sum::<f64>() / values.len() as f64,
    }
}

/// Error function by its Maclaurin series (inputs here are small).
fn erf(x: f64) -> f64 {
    let term = |sum: (f64, f64), n: u32| {
        let n = f64::from(n);
        let next = -sum.1 * x * x / n;
        (sum.0 + next / (2.0 * n + 1.0), next)
    };
    (1..200).fold((x, x), term).0 * 2.0 / std::f64::consts::PI.sqrt()
}

fn function(f: Function, x: f64) -> f64 {
    let sigmoid = 1.0 / (1.0 + (-x).exp());
    let hard = (x + 3.0).clamp(0.0, 6.0) / 6.0;
    match f {
        Function::Relu => x.max(0.0),
        Function::Relu6 => x.clamp(0.0, 6.0),
        Function::LeakyRelu => {
            if x > 0.0 {
                x
            } else {
                0.01 * x
            }
        }
        Function::Elu => {
            if x > 0.0 {
                x
            } else {
                x.exp() - 1.0
            }
        }
        Function::Silu => x * sigmoid,
        Function::Gelu => 0.5 * x * (1.0 + erf(x / 2f64.sqrt())),
        Function::HardSigmoid => hard,
        Function::HardSwish => x * hard,
        Function::Sigmoid => sigmoid,
        Function::Softplus => x.exp().ln_1p(),
        Function::Tanh => x.tanh(),
    }
}

/// Numbers in -1..1 from a linear congruential generator.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
    pub fn vec(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.next()).collect()
    }
}

/// Parameters that are all random; variances and standard deviations positive.
pub fn random_params(g: &VerifiedGraph, seed: u64) -> ParamStore<f32> {
    let (mut params, mut numbers) = (ParamStore::new(g, seed), Numbers(seed));
    let layout = params.layout().clone();
    for entry in layout.entries() {
        let positive = entry.key.ends_with(".variance") || entry.key.ends_with(".std");
        for v in params.get_mut(&entry.key).unwrap() {
            *v = if positive { 1.0 + 0.5 * numbers.next() } else { numbers.next() };
        }
    }
    params
}

/// A graph whose input is cut into the inputs of `op`.
pub fn around(op: Arc<dyn Op>, shapes: &[Vec<usize>]) -> VerifiedGraph {
    let mut g = Graph::new("around");
    if let [shape] = shapes {
        let x = g.input(shape).unwrap();
        let y = g.add("op", op, &[x]).unwrap();
        g.output(y);
        return g.verify().unwrap();
    }
    let x = g.input(&[shapes.iter().map(|s| s.iter().product::<usize>()).sum()]).unwrap();
    let mut start = 0;
    let mut part = |g: &mut Graph, shape: &Vec<usize>| {
        let end = start + shape.iter().product::<usize>();
        let part = g.push(Slice { start, end }, &[x]).unwrap();
        start = end;
        g.push(Reshape(shape.clone()), &[part]).unwrap()
    };
    let inputs: Vec<NodeId> = shapes.iter().map(|shape| part(&mut g, shape)).collect();
    let y = g.add("op", op, &inputs).unwrap();
    g.output(y);
    g.verify().unwrap()
}

/// Every operator example as a graph, then some whole networks.
pub fn cases() -> Vec<(String, VerifiedGraph)> {
    let mut cases = Vec::new();
    for kind in OPS {
        for (i, (op, shapes)) in (kind.examples)().into_iter().enumerate() {
            cases.push((format!("{}_{i}", kind.name), around(op, &shapes)));
        }
    }
    cases.extend(NETWORKS.iter().map(|(name, build)| ((*name).to_owned(), build())));
    cases
}

type Build = fn() -> VerifiedGraph;

/// Small networks that combine operators in ways where layout or folding could go wrong.
const NETWORKS: &[(&str, Build)] = &[
    ("mobile", mobile),
    ("series_flatten", || {
        parsed(
            "x = input(shape=[6, 3])\nc = conv(x, out=4, kernel=[3])\nb = batch_norm(c)\nf = reshape(b, shape=[24])\ny = linear(f, out=3)\noutput y",
        )
    }),
    ("image_flatten", || {
        parsed(
            "x = input(shape=[3, 2, 4])\ns = standardize(x)\nf = reshape(s, shape=[24])\ny = linear(f, out=3)\nb = batch_norm(y)\noutput b",
        )
    }),
    ("gray_flatten", || {
        parsed(
            "x = input(shape=[3, 4, 1])\nf = reshape(x, shape=[12])\nr = reshape(f, shape=[1, 12])\nq = reshape(r, shape=[2, 3, 2])\noutput q",
        )
    }),
    ("shared_conv", || {
        parsed(
            "x = input(shape=[4, 4, 2])\nc = conv(x, out=3, kernel=[1, 1])\nb = batch_norm(c)\na = add(b, c)\nd = dropout(a, rate=0.5)\noutput d\noutput c",
        )
    }),
    ("norm_chain", || {
        parsed(
            "x = input(shape=[3, 2, 4])\nl = layer_norm(x)\nf = reshape(l, shape=[6, 4])\nm = layer_norm(f)\nw = linear(m, out=5)\ns = softmax(w)\noutput s",
        )
    }),
    ("nothing", || parsed("x = input(shape=[5])\nd = dropout(x, rate=0.5)\noutput d")),
    ("odd_names", || {
        parsed(
            "output = input(shape=[5])\ninput = linear(output, out=2)\nop.weight = add(input, input)\noutput op.weight",
        )
    }),
    ("table", || {
        parsed(
            "x = input(shape=[5])\nn = slice(x, start=0, end=3)\nk = slice(x, start=3, end=5)\ns = standardize(n)\ne = embedding(k, cardinalities=[3, 2], width=4)\nj = concat(s, e)\nh = linear(j, out=6)\nb = batch_norm(h)\na = activation(b, function=relu)\ny = linear(a, out=1)\nr = standardize(y, inverse=true)\noutput r",
        )
    }),
    ("attention", || {
        parsed(
            "x = input(shape=[5, 6])\nt = class_token(x, count=1)\np = position_embedding(t)\nn = layer_norm(p)\nl = linear(n, out=24)\ns = reshape(l, shape=[6, 3, 2, 4])\nh = permute(s, order=[1, 2, 0, 3])\nf = reshape(h, shape=[3, 48])\na = reshape(f, shape=[6, 6, 4])\nw = matmul(a, a, transpose_b=true, factor=0.5)\nq = softmax(w)\nv = matmul(q, a)\nb = reshape(v, shape=[3, 2, 6, 4])\nm = permute(b, order=[2, 0, 1, 3])\no = reshape(m, shape=[6, 24])\ny = linear(o, out=6)\nr = add(y, p)\noutput r",
        )
    }),
    ("encoder_decoder", || {
        parsed(
            "x = input(shape=[7, 6, 3])\nc = conv(x, out=4, kernel=[3, 3])\na = activation(c, function=relu)\np = pool(a, pooling=max, kernel=[2, 2])\nb = blur_pool(p, size=3, stride=1)\nr = prelu(b)\nu = max_unpool(r, a, kernel=[2, 2])\ng = global_pool(a, pooling=average)\ns = add(g, u)\nt = conv_transpose(s, out=2, kernel=[3, 3], stride=[2, 2])\nn = batch_norm(t)\noutput n",
        )
    }),
    ("cube", || {
        parsed(
            "x = input(shape=[2, 3, 2, 4])\nl = linear(x, out=5)\nb = batch_norm(l)\nn = layer_norm(b)\noutput n",
        )
    }),
];

pub fn parsed(text: &str) -> VerifiedGraph {
    nasmyth_graph::parse(text).unwrap()
}

/// A mobile network in small: stem, two inverted residuals with squeeze-excitation, head.
pub fn mobile() -> VerifiedGraph {
    use nasmyth_graph::blocks::{InvertedResidual, conv_bn_act, inverted_residual};
    let mut g = Graph::new("mobile");
    let x = g.input(&[12, 10, 3]).unwrap();
    let x = g.push(Standardize { inverse: false }, &[x]).unwrap();
    let mut x = conv_bn_act(&mut g, x, Conv::same(8, &[3, 3]).stride(2), Some(Function::HardSwish)).unwrap();
    for (out, stride) in [(8, 1), (12, 2)] {
        let block = InvertedResidual::new(g.fact(x).channels(), 3, out, &[3, 5]).stride(stride);
        x = inverted_residual(&mut g, x, &block.squeeze(0.25).act(Function::Relu6)).unwrap();
    }
    let x = g.push(GlobalPool(Pooling::Average), &[x]).unwrap();
    let x = g.push(Dropout { rate: 0.2 }, &[x]).unwrap();
    let y = g.push(Linear::new(10), &[x]).unwrap();
    g.output(y);
    g.verify().unwrap()
}
