//! Mobile convolutional networks for images: stages of inverted residuals (Sandler et al. 2018; Howard et al. 2019) that may
//! be fused (Tan and Le 2021, figure 2): one full convolution in place of expansion and depthwise convolution, which costs
//! more multiplications but trains several times faster on processors and small images.

use super::{Preset, only_for};
use crate::{Context, Network, Reader, Shape, Space, SpaceError, Tree};
use nasmyth_graph::Graph;
use nasmyth_graph::blocks::{InvertedResidual, fused_inverted_residual, inverted_residual};
use nasmyth_graph::ops::{Conv, Dropout, Function, GlobalPool, Pooling};

pub(super) const PRESET: Preset = Preset {
    name: "mobile",
    doc: "Images: stages of inverted residuals, plain or fused, with kernel, expansion, squeeze-excitation, width, depth and activation.",
    build,
};

/// Smaller side that the last stage should see.
const LAST_SIDE: f64 = 7.0;
/// From this smaller side on, the stem always halves.
const LARGE_SIDE: usize = 48;
/// Widths of the first stage; later stages have multiples of them.
const WIDTHS: [usize; 5] = [6, 8, 12, 16, 24];
const DEFAULT_WIDTH: usize = 16;
/// Hidden width of squeeze-excitation as a share of the block's middle.
const SQUEEZE: f64 = 0.25;

/// What the resolution decides.
#[derive(Clone, Copy, Debug)]
struct Plan {
    stages: usize,
    halvings: usize,
    /// Whether the stem may choose its stride, or its only stride.
    stem: StemStride,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum StemStride {
    Chosen,
    Only(usize),
}

impl Plan {
    fn new(context: &Context) -> Self {
        let side = context.input[0].min(context.input[1]);
        let halvings = (side as f64 / LAST_SIDE).log2().round().clamp(0.0, 6.0) as usize;
        let (stages, stem) = match halvings {
            0 => (2, StemStride::Only(1)),
            _ if side >= LARGE_SIDE => (halvings, StemStride::Only(2)),
            _ => (halvings + 1, StemStride::Chosen),
        };
        Self { stages: stages.max(2), halvings, stem }
    }

    /// Stride of each stage when the stem has this stride: the last stages halve.
    fn strides(&self, stem: usize) -> impl Iterator<Item = usize> {
        let halving = self.halvings - usize::from(stem == 2);
        let stages = self.stages;
        (0..stages).map(move |i| if i + halving >= stages { 2 } else { 1 })
    }
}

fn build(context: &Context) -> Result<Space, SpaceError> {
    context.check()?;
    if context.shape()? != Shape::Image {
        return Err(only_for(PRESET.name, "an image [height, width, channels]", context));
    }
    let (context, plan) = (context.clone(), Plan::new(context));
    Space::new(PRESET.name, PRESET.doc, tree(plan), move |genes| lower(genes, &context, plan))
}

fn tree(plan: Plan) -> Tree {
    let stem_stride = match plan.stem {
        StemStride::Chosen => Tree::choice("stride", [1, 2]),
        StemStride::Only(stride) => Tree::choice("stride", [stride]),
    };
    let stem = Tree::group([Tree::choice("width", [8, 12, 16, 24]).default(16), stem_stride]);
    let stages = (0..plan.stages).map(|i| Tree::scope(format!("stage{}", i + 1), stage(i)));
    let head = [Tree::choice("head", [0, 64, 128, 256]), Tree::float("dropout", 0.0..=0.4, 4).default(0.1)];
    Tree::group([Tree::scope("stem", stem)].into_iter().chain(stages).chain(head))
}

fn stage(i: usize) -> Tree {
    // Twice as wide for half the side, then more slowly.
    let growth = [2, 4, 6, 10, 16, 24][i.min(5)];
    let width = |w: usize| w * growth / 2;
    let (deepest, depth) = if i == 0 { (2, 1) } else { (4, [2, 3][usize::from(i > 1)]) };
    Tree::group([
        Tree::choice("width", WIDTHS.map(width)).default(width(DEFAULT_WIDTH)),
        Tree::choice("activation", ["relu", "hard_swish", "silu"]),
        Tree::repeat("blocks", 1..=deepest, block(i)).default(depth),
    ])
}

/// Early blocks see many positions: there, full convolutions stay small.
fn block(stage: usize) -> Tree {
    let early = stage == 0;
    let pick = |early_ones: &'static [i32], all: &'static [i32]| {
        if early { early_ones } else { all }.iter().copied()
    };
    let fused = Tree::group([Tree::choice("kernel", [3]), Tree::choice("expansion", pick(&[1], &[1, 2, 4]))]);
    let inverted = Tree::group([
        Tree::choice("kernel", pick(&[3, 5], &[3, 5, 7])),
        Tree::choice("expansion", pick(&[1, 2, 3], &[1, 2, 3, 4, 6])).default(3),
    ]);
    Tree::group([Tree::one_of("op", [("fused", fused), ("inverted", inverted)]), Tree::flag("squeeze")])
}

fn lower(genes: &Reader<'_>, context: &Context, plan: Plan) -> Result<Graph, SpaceError> {
    let mut net = Network::begin(PRESET.name, context)?;
    let stem = genes.scope("stem");
    let stem_stride = stem.size("stride")?;
    let first = super::function(genes, "stage1.activation")?;
    net.conv_bn_act(Conv::same(stem.size("width")?, &[3, 3]).stride(stem_stride), Some(first))?;
    let mut act = first;
    for (i, stride) in plan.strides(stem_stride).enumerate() {
        let stage = genes.scope(&format!("stage{}", i + 1));
        let out = stage.size("width")?;
        act = super::function(&stage, "activation")?;
        for (j, block) in stage.repeat("blocks")?.iter().enumerate() {
            let stride = if j == 0 { stride } else { 1 };
            net.scope(format_args!("stage{}.block{j}", i + 1), |net| append(net, block, out, stride, act))?;
        }
    }
    let head = genes.size("head")?;
    if head > 0 {
        let conv = Conv::same(head, &[1, 1]);
        net.scope("head", |net| {
            net.conv_bn_act(conv, Some(act))?;
            Ok(())
        })?;
    }
    let dropout = genes.float("dropout")?;
    if dropout > 0.0 {
        net.push(GlobalPool(Pooling::Average))?;
        net.push(Dropout { rate: dropout })?;
    }
    net.finish()
}

fn append(
    net: &mut Network,
    block: &Reader<'_>,
    out: usize,
    stride: usize,
    act: Function,
) -> Result<(), SpaceError> {
    let (op, genes) = block.branch("op")?;
    let (kernel, expansion) = (net.window(genes.size("kernel")?), genes.size("expansion")?);
    let squeeze = if block.flag("squeeze")? { SQUEEZE } else { 0.0 };
    let block =
        InvertedResidual::new(net.shape().channels(), expansion, out, &kernel).stride(stride).act(act);
    // Without expansion, the fused form gates its output.
    let gated =
        if op == "fused" && expansion == 1 { InvertedResidual { middle: out, ..block } } else { block };
    let block = gated.squeeze(squeeze);
    net.scope(&op, |net| {
        let y = match op.as_str() {
            "inverted" => inverted_residual(&mut net.graph, net.at, &block),
            _ => fused_inverted_residual(&mut net.graph, net.at, &block),
        };
        net.at = y?;
        Ok(())
    })?;
    Ok(())
}
