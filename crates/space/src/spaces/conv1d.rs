//! One-dimensional convolutional networks for series: fully convolutional networks and residual networks in the manner of
//! Wang et al. (2017), with separable and bottleneck blocks, dilation and squeeze-excitation as further choices.

use super::{Preset, only_for};
use crate::{Context, Network, Reader, Shape, Space, SpaceError, Tree};
use nasmyth_graph::blocks::{flatten, squeeze_excitation};
use nasmyth_graph::ops::{Conv, Dropout, Function, GlobalPool, Pool, Pooling};
use nasmyth_graph::{Graph, GraphError};

pub(super) const PRESET: Preset = Preset {
    name: "conv1d",
    doc: "Series: stages of plain, residual, separable or bottleneck convolutions with kernels 3 to 15, dilation and pooling.",
    build,
};

/// Positions that the last stage should see.
const LAST_STEPS: f64 = 12.0;
const STAGES: usize = 3;
/// Most steps of a series whose last stage may be flattened in place of pooled.
const FLATTEN_STEPS: usize = 64;
const WIDTHS: [usize; 8] = [8, 12, 16, 24, 32, 48, 64, 128];
const KERNELS: [usize; 7] = [3, 5, 7, 9, 11, 13, 15];
/// Hidden width of squeeze-excitation as a share of the channels.
const SQUEEZE: usize = 4;

fn build(context: &Context) -> Result<Space, SpaceError> {
    context.check()?;
    if context.shape()? != Shape::Series {
        return Err(only_for(PRESET.name, "a series [steps, channels]", context));
    }
    let context = context.clone();
    Space::new(PRESET.name, PRESET.doc, tree(context.input[0]), move |genes| lower(genes, &context))
}

/// Stride of stem and stages in the default network: powers of two whose product takes `steps` to about a dozen.
fn strides(steps: usize) -> [usize; STAGES + 1] {
    let mut halvings = (steps as f64 / LAST_STEPS).log2().round().max(0.0) as usize;
    let mut strides = [1; STAGES + 1];
    // One halving for each stage from the last to the second, then for the stem, then again.
    for i in [3, 2, 0, 1, 0, 2, 0, 3, 1].into_iter().cycle().take(2 * strides.len() + 1) {
        if halvings > 0 {
            strides[i] *= 2;
            halvings -= 1;
        }
    }
    strides
}

fn tree(steps: usize) -> Tree {
    let strides = strides(steps);
    let stem = Tree::group([
        Tree::choice("width", [8, 16, 24, 32]).default(16),
        Tree::choice("kernel", KERNELS).default(7),
        stride(strides[0]),
    ]);
    let stages = (1..=STAGES).map(|i| Tree::scope(format!("stage{i}"), stage(i, strides[i])));
    let pools: &[&str] =
        if steps <= FLATTEN_STEPS { &["average", "max", "flatten"] } else { &["average", "max"] };
    let head = [
        Tree::choice("activation", ["relu", "hard_swish", "silu"]),
        Tree::choice("downsample", ["stride", "max", "average"]),
        Tree::choice("head", pools.iter().copied()),
        Tree::float("dropout", 0.0..=0.5, 5).default(0.1),
    ];
    Tree::group([Tree::scope("stem", stem)].into_iter().chain(stages).chain(head))
}

/// Twice or half of what the length suggests are choices too.
fn stride(default: usize) -> Tree {
    let options = if default == 1 { vec![1, 2] } else { vec![default / 2, default, default * 2] };
    Tree::choice("stride", options).default(default)
}

fn stage(i: usize, default_stride: usize) -> Tree {
    Tree::group([
        Tree::choice("width", WIDTHS).default([16, 24, 32][i - 1]),
        stride(default_stride),
        Tree::repeat("blocks", 1..=3, block(i)),
    ])
}

fn block(stage: usize) -> Tree {
    let kernel = || Tree::choice("kernel", KERNELS).default(if stage < 3 { 5 } else { 3 });
    let dilated = || Tree::group([kernel(), Tree::choice("dilation", [1, 2, 4])]);
    let bottleneck = || Tree::group([dilated(), Tree::choice("expansion", [1, 2, 4]).default(2)]);
    let op = Tree::one_of(
        "op",
        [("plain", dilated()), ("double", dilated()), ("separable", dilated()), ("bottleneck", bottleneck())],
    );
    Tree::group([op.default("double"), Tree::flag("residual").default(true), Tree::flag("squeeze")])
}

fn lower(genes: &Reader<'_>, context: &Context) -> Result<Graph, SpaceError> {
    let mut net = Network::begin(PRESET.name, context)?;
    let act = super::function(genes, "activation")?;
    let downsample = genes.word("downsample")?;
    let stem = genes.scope("stem");
    let conv = Conv::same(stem.size("width")?, &[stem.size("kernel")?]).stride(stem.size("stride")?);
    net.conv_bn_act(conv, Some(act))?;
    for i in 1..=STAGES {
        let stage = genes.scope(&format!("stage{i}"));
        let stride = pooled(&mut net, &downsample, stage.size("stride")?)?;
        let out = stage.size("width")?;
        for (j, block) in stage.repeat("blocks")?.iter().enumerate() {
            let stride = if j == 0 { stride } else { 1 };
            net.scope(format_args!("stage{i}.block{j}"), |net| append(net, block, out, stride, act))?;
        }
    }
    match genes.word("head")?.as_str() {
        "max" => net.push(GlobalPool(Pooling::Max))?,
        "flatten" => net.with(flatten)?,
        _ => net.push(GlobalPool(Pooling::Average))?,
    };
    let dropout = genes.float("dropout")?;
    if dropout > 0.0 {
        net.push(Dropout { rate: dropout })?;
    }
    net.finish()
}

/// Pools by `stride`, unless the next convolution shall do it; returns the stride that is left for that.
fn pooled(net: &mut Network, how: &str, stride: usize) -> Result<usize, GraphError> {
    let pooling = match how {
        "max" => Pooling::Max,
        "average" => Pooling::Average,
        _ => return Ok(stride),
    };
    if stride > 1 {
        net.push(Pool { stride: vec![stride], ..Pool::same(pooling, &[stride]) })?;
    }
    Ok(1)
}

fn append(
    net: &mut Network,
    block: &Reader<'_>,
    out: usize,
    stride: usize,
    act: Function,
) -> Result<(), SpaceError> {
    let from = net.at;
    let residual = block.flag("residual")?;
    // A shortcut is added before the last activation (He et al. 2016), so that comes after.
    let last = if residual { None } else { Some(act) };
    let (op, genes) = block.branch("op")?;
    let dilation = genes.size("dilation")?;
    let kernel = [genes.size("kernel")?];
    let conv = |out: usize| Conv::same(out, &kernel).dilation(dilation);
    net.scope(&op, |net| {
        match op.as_str() {
            "plain" => net.conv_bn_act(conv(out).stride(stride), last)?,
            "double" => net.conv_bn_act(conv(out).stride(stride), Some(act))?.conv_bn_act(conv(out), last)?,
            "separable" => {
                let channels = net.shape().channels();
                net.conv_bn_act(conv(channels).stride(stride).groups(channels), Some(act))?;
                net.conv_bn_act(Conv::same(out, &[1]), last)?
            }
            _ => {
                let middle = net.shape().channels() * genes.size("expansion")?;
                net.conv_bn_act(Conv::same(middle, &[1]), Some(act))?;
                net.conv_bn_act(conv(middle).stride(stride).groups(middle), Some(act))?;
                net.conv_bn_act(Conv::same(out, &[1]), last)?
            }
        };
        Ok(())
    })?;
    if block.flag("squeeze")? {
        let hidden = (out / SQUEEZE).max(1);
        net.scope("squeeze", |net| {
            let gated = squeeze_excitation(&mut net.graph, net.at, hidden, Function::Relu, Function::Sigmoid);
            net.at = gated?;
            Ok(())
        })?;
    }
    if residual {
        net.shortcut(from)?.activate(act)?;
    }
    Ok(())
}
