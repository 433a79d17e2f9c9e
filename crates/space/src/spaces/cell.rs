//! Repeated cells with the topology of NAS-Bench-201 (Dong and Yang 2020, section 2.1), for images and, with one-dimensional
//! operators, for series.
//!
//! A cell is a complete directed acyclic graph over four nodes; each of its six edges carries one of five operators. One cell,
//! repeated, fills three stages, between which a residual block halves the resolution and doubles the channels. Width and number
//! of cells are choices too.

use super::{Preset, only_for};
use crate::error::{nearest, shortened};
use crate::{Context, Gene, Genotype, Network, Reader, Shape, Space, SpaceError, Tree};
use nasmyth_graph::ops::{Activation, Add, BatchNorm, Conv, Function, Pool, Pooling, Zero};
use nasmyth_graph::{Graph, GraphError, NodeId};

pub(super) const PRESET: Preset = Preset {
    name: "cell",
    doc: "Images and series: one NAS-Bench-201 cell (15,625 of them) repeated in three stages, with width and repetitions.",
    build,
};

/// The operators of an edge, in NAS-Bench-201's words.
pub const OPERATORS: [&str; 5] = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];

/// Nodes of a cell, its input included.
pub const NODES: usize = 4;
/// Edges as (to, from), in the order of NAS-Bench-201's strings.
pub const EDGES: [(usize, usize); 6] = [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)];
/// A residual block of two convolutions, as a cell.
const DEFAULT: [usize; 6] = [3, 0, 3, 1, 0, 1];
/// Stages of repeated cells.
pub const STAGES: usize = 3;

fn build(context: &Context) -> Result<Space, SpaceError> {
    context.check()?;
    if context.shape()? == Shape::Table {
        return Err(only_for(
            PRESET.name,
            "an image [height, width, channels] or a series [steps, channels]",
            context,
        ));
    }
    let context = context.clone();
    let tree = Tree::group([
        cell_tree(),
        Tree::choice("width", [4, 6, 8, 12, 16, 24]).default(8),
        Tree::repeat("cells", 1..=3, Tree::nothing()),
    ]);
    Space::new(PRESET.name, PRESET.doc, tree, move |genes| lower(genes, &context))
}

/// The choices of the cell alone: six edges `node1-0` to `node3-2`, five operators each.
pub fn cell_tree() -> Tree {
    let edge = |(&(to, from), default): (&(usize, usize), usize)| {
        Tree::choice(edge_name(to, from), OPERATORS).default(OPERATORS[default])
    };
    Tree::scope("cell", Tree::group(EDGES.iter().zip(DEFAULT).map(edge)))
}

fn edge_name(to: usize, from: usize) -> String {
    format!("node{to}-{from}")
}

/// The cell of a genotype of this space in NAS-Bench-201's form, `|nor_conv_3x3~0|+|none~0|...|`; `None` if its first six genes
/// are no edges.
pub fn cell_string(genotype: &Genotype) -> Option<String> {
    let operators: Vec<&str> = genotype
        .genes()
        .iter()
        .take(EDGES.len())
        .map_while(|g| match g {
            Gene::Index(i) => OPERATORS.get(*i as usize).copied(),
            Gene::Real(_) => None,
        })
        .collect();
    if operators.len() < EDGES.len() {
        return None;
    }
    let node = |to: usize| {
        let edges = EDGES.iter().zip(&operators).filter(|((t, _), _)| *t == to);
        let edges: Vec<String> = edges.map(|((_, from), op)| format!("{op}~{from}")).collect();
        format!("|{}|", edges.join("|"))
    };
    Some((1..NODES).map(node).collect::<Vec<_>>().join("+"))
}

/// The genes of the six edges from NAS-Bench-201's form; [`with_cell`] puts them into a genotype.
///
/// # Errors
/// What part is wrong and what was expected.
pub fn parse_cell(text: &str) -> Result<Vec<Gene>, SpaceError> {
    let wrong = |got: &str, position: usize| SpaceError::GenotypeText {
        text: shortened(text),
        got: shortened(got),
        position,
    };
    let edges: Vec<&str> = text.trim().split(['|', '+']).filter(|p| !p.is_empty()).collect();
    let read = |(i, &edge): (usize, &&str)| {
        let (op, from) = edge.split_once('~').ok_or_else(|| wrong(edge, i + 1))?;
        let expected = EDGES.get(i).map(|(_, from)| from.to_string());
        if expected.as_deref() != Some(from) {
            return Err(wrong(edge, i + 1));
        }
        let known = OPERATORS.iter().position(|o| *o == op);
        let index = known.ok_or_else(|| SpaceError::Gene {
            path: format!("cell.{}", edge_name(EDGES[i].0, EDGES[i].1)),
            expected: format!("one of {}", OPERATORS.join(", ")),
            got: match nearest(op, OPERATORS) {
                Some(near) => format!("`{}` (did you mean `{near}`?)", shortened(op)),
                None => format!("`{}`", shortened(op)),
            },
        })?;
        Ok(Gene::Index(index as u32))
    };
    let genes = edges.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    if genes.len() == EDGES.len() { Ok(genes) } else { Err(wrong("too few edges", genes.len() + 1)) }
}

/// The same genotype with this cell, in NAS-Bench-201's form.
///
/// # Errors
/// The text is no cell.
pub fn with_cell(genotype: &Genotype, cell: &str) -> Result<Genotype, SpaceError> {
    let rest = genotype.genes().iter().skip(EDGES.len()).copied();
    Ok(Genotype::new(parse_cell(cell)?.into_iter().chain(rest)))
}

/// What stands around the cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skeleton {
    /// Channels of the first stage; each stage has twice those of the one before.
    pub width: usize,
    /// Cells of each stage.
    pub cells: usize,
    /// Stride of the first convolution.
    pub stride: usize,
}

/// The space of the cells alone, in a fixed skeleton; its genes are the six edges.
///
/// # Errors
/// Data that the preset is not for, or positions that the strides leave none of.
pub fn in_skeleton(context: &Context, skeleton: Skeleton) -> Result<Space, SpaceError> {
    build(context)?; // the same data
    let context = context.clone();
    Space::new(PRESET.name, "NAS-Bench-201's cells in a fixed skeleton.", cell_tree(), move |genes| {
        network(genes, &context, skeleton)
    })
}

fn lower(genes: &Reader<'_>, context: &Context) -> Result<Graph, SpaceError> {
    let (width, cells) = (genes.size("width")?, genes.size("cells")?);
    network(genes, context, Skeleton { width, cells, stride: stem_stride(context) })
}

fn network(genes: &Reader<'_>, context: &Context, skeleton: Skeleton) -> Result<Graph, SpaceError> {
    let edges = EDGES.map(|(to, from)| genes.word(&format!("cell.{}", edge_name(to, from))));
    let edges = edges.into_iter().collect::<Result<Vec<_>, _>>()?;
    around_cells(context, skeleton, |g, x| cell(g, x, &edges))
}

/// The network around cells: a stem, three stages of cells, which `cell` builds one after the other, between stages a residual block
/// that halves the positions and doubles the channels, and a classifier.
///
/// # Errors
/// Data that no network can exist for, and those of `cell`.
pub fn around_cells(
    context: &Context,
    Skeleton { width, cells, stride }: Skeleton,
    mut cell: impl FnMut(&mut Graph, NodeId) -> Result<NodeId, GraphError>,
) -> Result<Graph, SpaceError> {
    let mut net = Network::begin(PRESET.name, context)?;
    let kernel = net.window(3.max(2 * stride - 1));
    net.push(Conv::same(width, &kernel).stride(stride))?.push(BatchNorm::default())?;
    for stage in 0..STAGES {
        net.scope(format_args!("stage{stage}"), |net| {
            if stage > 0 {
                net.graph.enter("reduce");
                net.with(|g, x| reduce(g, x, width << stage, 2))?;
                net.graph.leave();
            }
            for i in 0..cells {
                net.graph.enter(format_args!("cell{i}"));
                net.with(&mut cell)?;
                net.graph.leave();
            }
            Ok(())
        })?;
    }
    net.push(BatchNorm::default())?.activate(Function::Relu)?;
    net.finish()
}

/// The power of two that takes large images (in the published space: 32x32 at stride 1) and long series to what cells are for.
pub fn stem_stride(context: &Context) -> usize {
    let enough = if context.axes() == 2 { 28 } else { 96 };
    let side = context.input[..context.axes()].iter().min().copied().unwrap_or(1);
    1 << (side / enough).max(1).ilog2()
}

/// The residual block between stages: positions divided by the stride, `out` channels; average pooling and a 1x1 convolution
/// beside it.
///
/// # Errors
/// Fewer positions than the stride.
pub fn reduce(g: &mut Graph, x: NodeId, out: usize, stride: usize) -> Result<NodeId, GraphError> {
    let axes = g.fact(x).spatial().len();
    let mut y = x;
    for stride in [stride, 1] {
        y = g.push(Activation(Function::Relu), &[y])?;
        y = g.push(Conv::same(out, &vec![3; axes]).stride(stride), &[y])?;
        y = g.push(BatchNorm::default(), &[y])?;
    }
    let window = vec![stride; axes];
    let pooled = Pool { stride: window.clone(), ..Pool::same(Pooling::Average, &window) };
    let skip = g.push(pooled, &[x])?;
    let skip = g.push(Conv::same(out, &vec![1; axes]), &[skip])?;
    g.push(Add, &[y, skip])
}

/// One cell, an operator for each of its six edges: each node is the sum of what its edges make of earlier nodes, zero without any.
/// An operator is in a scope named after its edge and itself: so it has weights of its own, whatever the other edges are.
///
/// # Errors
/// None, for images and series.
pub fn cell(g: &mut Graph, x: NodeId, operators: &[impl AsRef<str>]) -> Result<NodeId, GraphError> {
    let mut nodes = vec![x];
    for to in 1..NODES {
        let mut terms = Vec::new();
        for (&(_, from), op) in EDGES.iter().zip(operators).filter(|((t, _), _)| *t == to) {
            g.enter(format_args!("{}.{}", edge_name(to, from), op.as_ref()));
            terms.extend(edge(g, nodes[from], op.as_ref())?);
            g.leave();
        }
        nodes.push(match terms[..] {
            [] => g.push(Zero, &[x])?,
            [only] => only,
            _ => g.push(Add, &terms)?,
        });
    }
    Ok(nodes[NODES - 1])
}

/// What an edge with this one of the [`OPERATORS`] makes of `x`; nothing for "none".
///
/// # Errors
/// None, for images and series.
pub fn edge(g: &mut Graph, x: NodeId, operator: &str) -> Result<Option<NodeId>, GraphError> {
    let axes = g.fact(x).spatial().len();
    let conv = |g: &mut Graph, size: usize| {
        let y = g.push(Activation(Function::Relu), &[x])?;
        let y = g.push(Conv::same(g.fact(x).channels(), &vec![size; axes]), &[y])?;
        g.push(BatchNorm::default(), &[y])
    };
    Ok(match operator {
        "skip_connect" => Some(x),
        "nor_conv_1x1" => Some(conv(g, 1)?),
        "nor_conv_3x3" => Some(conv(g, 3)?),
        "avg_pool_3x3" => Some(g.push(Pool::same(Pooling::Average, &vec![3; axes]), &[x])?),
        _ => None,
    })
}
