//! The five networks that training is compared on, layer by layer those of `pytorch_step.py`.
//!
//! Each convolution is without bias, padded to keep the size at stride 1, and followed by a batch norm; all but `mlp` end in global
//! average pooling and a linear layer.

#![allow(dead_code)] // shared: benches, tests and examples each use a part

use nasmyth_graph::blocks::{InvertedResidual, activate, conv_bn_act, inverted_residual};
use nasmyth_graph::ops::{Activation, Add, BatchNorm, Conv, Function, GlobalPool, Linear, Pool, Pooling};
use nasmyth_graph::{Graph, GraphError, NodeId, VerifiedGraph};

const IMAGE: [usize; 3] = [32, 32, 3];
const CLASSES: usize = 10;
const RELU: Option<Function> = Some(Function::Relu);

/// A graph and how it is trained.
pub struct Network {
    /// Name in `pytorch_step.py`.
    pub name: &'static str,
    /// Makes the graph.
    pub graph: fn() -> Result<VerifiedGraph, GraphError>,
    /// Samples of a step.
    pub batch: usize,
}

/// All networks.
pub const NETWORKS: [Network; 5] = [
    Network { name: "resnet", graph: resnet, batch: 64 },
    Network { name: "mobile", graph: mobile, batch: 64 },
    Network { name: "cell", graph: cell, batch: 64 },
    Network { name: "series", graph: series, batch: 64 },
    Network { name: "mlp", graph: mlp, batch: 256 },
];

/// Blocks of two 3x3 convolutions with ReLU, three of each width; a shortcut where shapes agree, after the last ReLU.
fn resnet() -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("resnet");
    let x = g.input(&IMAGE)?;
    let mut x = conv_bn_act(&mut g, x, Conv::same(16, &[3, 3]), RELU)?;
    for (width, stride) in stages([(16, 1, 3), (32, 2, 3), (64, 2, 3)]) {
        let y = conv_bn_act(&mut g, x, Conv::same(width, &[3, 3]).stride(stride), RELU)?;
        let y = conv_bn_act(&mut g, y, Conv::same(width, &[3, 3]), RELU)?;
        x = if g.fact(x) == g.fact(y) { g.push(Add, &[x, y])? } else { y };
    }
    classify(g, x)
}

fn mobile() -> Result<VerifiedGraph, GraphError> {
    mobile_of_depths([2, 3, 3])
}

/// Inverted residuals with expansion 4 and depthwise 5x5, `depths` blocks of widths 16, 24 and 40.
pub fn mobile_of_depths(depths: [usize; 3]) -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("mobile");
    let x = g.input(&IMAGE)?;
    let mut x = conv_bn_act(&mut g, x, Conv::same(16, &[3, 3]), RELU)?;
    for (out, stride) in stages([(16, 1, depths[0]), (24, 2, depths[1]), (40, 2, depths[2])]) {
        let block = InvertedResidual::new(g.fact(x).channels(), 4, out, &[5, 5]).stride(stride);
        x = inverted_residual(&mut g, x, &block)?;
    }
    classify(g, x)
}

fn cell() -> Result<VerifiedGraph, GraphError> {
    cell_on(IMAGE)
}

/// Three stages of two NAS-Bench-201 cells, on images of this shape.
pub fn cell_on(image: [usize; 3]) -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("cell");
    let x = g.input(&image)?;
    let mut x = conv_bn_act(&mut g, x, Conv::same(16, &[3, 3]), None)?;
    for (i, width) in [16, 32, 64].into_iter().enumerate() {
        if i > 0 {
            x = reduction(&mut g, x, width)?;
        }
        for _ in 0..2 {
            x = one_cell(&mut g, x)?;
        }
    }
    let x = g.push(BatchNorm::default(), &[x])?;
    let x = activate(&mut g, x, RELU)?;
    classify(g, x)
}

/// Edges: 1<-0 3x3, 2<-0 identity, 2<-1 1x1, 3<-0 3x3, 3<-1 average pooling, 3<-2 3x3.
fn one_cell(g: &mut Graph, x: NodeId) -> Result<NodeId, GraphError> {
    let edge = |g: &mut Graph, from: NodeId, kernel: usize| {
        let y = g.push(Activation(Function::Relu), &[from])?;
        conv_bn_act(g, y, Conv::same(g.fact(from).channels(), &[kernel, kernel]), None)
    };
    let first = edge(g, x, 3)?;
    let second = edge(g, first, 1)?;
    let second = g.push(Add, &[x, second])?;
    let (a, c) = (edge(g, x, 3)?, edge(g, second, 3)?);
    let b = g.push(Pool::same(Pooling::Average, &[3, 3]), &[first])?;
    g.push(Add, &[a, b, c])
}

/// The residual block between stages: half the positions, `width` channels.
fn reduction(g: &mut Graph, x: NodeId, width: usize) -> Result<NodeId, GraphError> {
    let y = g.push(Activation(Function::Relu), &[x])?;
    let y = conv_bn_act(g, y, Conv::same(width, &[3, 3]).stride(2), RELU)?;
    let y = conv_bn_act(g, y, Conv::same(width, &[3, 3]), None)?;
    let shortcut = g.push(Pool::new(Pooling::Average, &[2, 2]), &[x])?;
    let shortcut = g.push(Conv::same(width, &[1, 1]), &[shortcut])?;
    g.push(Add, &[y, shortcut])
}

/// One-dimensional convolutions of width 32 with falling kernels.
fn series() -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("series");
    let mut x = g.input(&[256, 1])?;
    for kernel in [9, 7, 5, 3, 3] {
        x = conv_bn_act(&mut g, x, Conv::same(32, &[kernel]), RELU)?;
    }
    classify(g, x)
}

/// Three linear layers on 108 features.
fn mlp() -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("mlp");
    let mut x = g.input(&[108])?;
    for width in [128, 64] {
        x = g.push(Linear::new(width), &[x])?;
        x = activate(&mut g, x, RELU)?;
    }
    let y = g.push(Linear::new(2), &[x])?;
    g.output(y);
    g.verify()
}

/// Width and stride of each block, from (width, stride of the first block, blocks) of each stage.
fn stages(stages: [(usize, usize, usize); 3]) -> impl Iterator<Item = (usize, usize)> {
    let blocks = |(width, stride, blocks)| (0..blocks).map(move |i| (width, if i == 0 { stride } else { 1 }));
    stages.into_iter().flat_map(blocks)
}

fn classify(mut g: Graph, x: NodeId) -> Result<VerifiedGraph, GraphError> {
    let y = g.push(GlobalPool(Pooling::Average), &[x])?;
    let y = g.push(Linear::new(CLASSES), &[y])?;
    g.output(y);
    g.verify()
}
