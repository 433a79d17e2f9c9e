//! The cell of NAS-Bench-201 as a super-network, written by hand.

use nasmyth_graph::ops::{BatchNorm, Concat, Mix, Permute, Reshape, Slice, Zero};
use nasmyth_graph::{Graph, GraphError, NodeId};
use nasmyth_space::spaces::cell::{EDGES, NODES, OPERATORS, Skeleton, around_cells, edge, stem_stride};
use nasmyth_space::{Context, SpaceError};
use nasmyth_supernet::relaxed::{
    Choice, Form, Kept, Kind, Mixture, Operator, RelaxedGraph, RelaxedSpace, Term,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One cell with an operator to choose on each of its six edges, repeated in three stages: [`nasmyth_space::spaces::cell`] with
/// fixed width and number of cells.
pub struct CellSpace {
    context: Context,
    width: usize,
    cells: usize,
    stride: usize,
    choices: Vec<Choice>,
}

impl CellSpace {
    /// `width`: channels of the first stage; `cells`: cells of each stage.
    pub fn new(context: Context, width: usize, cells: usize) -> Self {
        let kind = |name: &str| match name {
            "none" => Kind::None,
            "skip_connect" => Kind::Skip,
            "avg_pool_3x3" => Kind::Free,
            _ => Kind::Weighted,
        };
        let options = OPERATORS.map(|name| Operator { name: name.to_owned(), kind: kind(name) });
        let choice = |&(to, from): &(usize, usize)| Choice {
            name: format!("node{to}-{from}"),
            from,
            to,
            sum: Some(to),
            options: options.to_vec(),
        };
        let (stride, choices) = (stem_stride(&context), EDGES.iter().map(choice).collect());
        Self { context, width, cells, stride, choices }
    }
}

impl RelaxedSpace for CellSpace {
    fn choices(&self) -> &[Choice] {
        &self.choices
    }

    fn relaxed(&self, _: &[usize], kept: &Kept, form: Form) -> Result<RelaxedGraph, SpaceError> {
        let mut cells =
            MixedCells { kept, partial: form.partial, built: 0, mixtures: Vec::new(), fixed: Vec::new() };
        let skeleton = Skeleton { width: self.width, cells: self.cells, stride: self.stride };
        let graph = around_cells(&self.context, skeleton, |g, x| cells.next(g, x))?.verify()?;
        Ok(RelaxedGraph {
            graph,
            mixtures: cells.mixtures,
            kernels: Vec::new(),
            fixed: cells.fixed,
            places: BTreeMap::new(),
        })
    }
}

/// Builds the cells of a super-network, and notes what they are made of.
struct MixedCells<'a> {
    kept: &'a Kept,
    partial: usize,
    /// Cells so far.
    built: usize,
    mixtures: Vec<Mixture>,
    fixed: Vec<String>,
}

impl MixedCells<'_> {
    /// One more cell: each node is a mixture of what the options of its edges make of earlier nodes.
    fn next(&mut self, g: &mut Graph, x: NodeId) -> Result<NodeId, GraphError> {
        self.built += 1;
        let mut nodes = vec![x];
        for to in 1..NODES {
            let node = self.node(g, &nodes, to)?;
            nodes.push(node);
        }
        Ok(nodes[NODES - 1])
    }

    fn node(&mut self, g: &mut Graph, nodes: &[NodeId], to: usize) -> Result<NodeId, GraphError> {
        let channels = g.fact(nodes[0]).channels();
        let through = channels / self.partial;
        let (mut terms, mut around) = (Vec::new(), Vec::new());
        for (choice, &(_, from)) in EDGES.iter().enumerate().filter(|(_, (t, _))| *t == to) {
            let mut x = nodes[from];
            if self.partial > 1 {
                let rest = g.push(Slice { start: through, end: channels }, &[x])?;
                around.push((rest, Term::Bypass { choice }));
                x = g.push(Slice { start: 0, end: through }, &[x])?;
            }
            for &option in &self.kept[choice] {
                let y = self.option(g, x, choice, option)?;
                terms.extend(y.map(|y| (y, Term::Option { choice, option })));
            }
        }
        let mixed = self.mix(g, &format!("node{to}.mix"), nodes[0], through, &terms)?;
        if self.partial == 1 {
            return Ok(mixed);
        }
        let around = self.mix(g, &format!("node{to}.around"), nodes[0], channels - through, &around)?;
        let whole = g.push(Concat, &[mixed, around])?;
        shuffle(g, whole, self.partial)
    }

    fn option(
        &mut self,
        g: &mut Graph,
        x: NodeId,
        choice: usize,
        option: usize,
    ) -> Result<Option<NodeId>, GraphError> {
        let ((to, from), before) = (EDGES[choice], g.nodes().len());
        g.enter(format_args!("node{to}-{from}.{}", OPERATORS[option]));
        let y = edge(g, x, OPERATORS[option])?;
        g.leave();
        let scales = g.nodes()[before..].iter().filter(|n| n.op.downcast::<BatchNorm>().is_some());
        self.fixed.extend(scales.flat_map(|n| ["gamma", "beta"].map(|p| format!("{}.{p}", n.name))));
        Ok(y)
    }

    /// The mixture of these terms; zeros of so many channels if there are none.
    fn mix(
        &mut self,
        g: &mut Graph,
        name: &str,
        like: NodeId,
        channels: usize,
        terms: &[(NodeId, Term)],
    ) -> Result<NodeId, GraphError> {
        if terms.is_empty() {
            let like = if g.fact(like).channels() == channels {
                like
            } else {
                g.push(Slice { start: 0, end: channels }, &[like])?
            };
            return g.push(Zero, &[like]);
        }
        let name = format!("cell{}.{name}", self.built - 1);
        let key = format!("{name}.weight");
        self.mixtures.push(Mixture { key, terms: terms.iter().map(|t| t.1).collect() });
        let inputs: Vec<NodeId> = terms.iter().map(|t| t.0).collect();
        g.add(name, Arc::new(Mix), &inputs)
    }
}

/// Channel c of `groups` groups in a row goes to where each group is one in `groups` channels (Zhang et al. 2018, ShuffleNet,
/// section 3.1).
fn shuffle(g: &mut Graph, x: NodeId, groups: usize) -> Result<NodeId, GraphError> {
    let shape = g.fact(x).shape().to_vec();
    let axes = shape.len() - 1;
    let apart = [&shape[..axes], &[groups, shape[axes] / groups]].concat();
    let y = g.push(Reshape(apart), &[x])?;
    let order: Vec<usize> = (0..axes).chain([axes + 1, axes]).collect();
    let y = g.push(Permute(order), &[y])?;
    g.push(Reshape(shape), &[y])
}
