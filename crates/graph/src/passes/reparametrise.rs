//! For inference: convolutions that are added up, or that follow each other, become one.

use super::dead_code;
use super::rewrite::Rewritten::{Is, Stays};
use crate::ops::{Add, BatchNorm, Conv, Linear, Scale};
use crate::{Graph, Node, NodeId, Op, VerifiedGraph};
use std::collections::HashMap;
use std::sync::Arc;

/// Layers that have become one.
#[derive(Clone, Debug)]
pub enum Merge {
    /// `layer`, a convolution that now has a bias, computes the sum of itself and what read the same value and was added to it.
    Sum {
        /// Name of the layer, in both graphs.
        layer: String,
        /// Taps of its window.
        window: usize,
        /// What is gone.
        branches: Vec<Branch>,
    },
    /// `layer`, which was of size 1 and alone read `first`, computes both.
    Chain {
        /// Name of the layer, in both graphs.
        layer: String,
        /// The layer that is gone.
        first: Node,
    },
}

/// A part of a sum: a convolution, a map `y = scale x + shift` per channel, or the value itself.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The node that is gone; none for the value itself.
    pub node: Option<Node>,
    /// For each of its taps (row major; a map has one), the tap of the layer at the same place.
    pub taps: Vec<usize>,
}

/// The graph at inference with fewer layers, as RepVGG (Ding et al. 2021, section 3.3) and MobileOne (Vasu et al. 2023, section 3.2) are
/// deployed:
///
/// - the parts of an [`Add`] that are linear maps of one value become one [`Conv`]: convolutions of equal stride and groups whose
///   windows lie within the largest one, [`BatchNorm`] and [`Scale`], and the value itself;
/// - a [`Conv`] or [`Linear`] that alone is read by one of size 1 is merged with it, if that does not take more parameters.
///
/// Batch norms after layers are to be [folded](super::fold_batch_norm) before. No layer is merged twice: once there was a merge,
/// there may be more to fold and to merge.
pub fn reparametrise(graph: &VerifiedGraph) -> (VerifiedGraph, Vec<Merge>) {
    let plan = Plan::of(graph);
    let new = graph.rewrite(|new, id, mut node| {
        if let Some(layer) = plan.layers.get(&id) {
            node.op = layer.clone();
        }
        if plan.chains.contains(&id) {
            node.inputs = new.node(node.inputs[0]).inputs.clone();
        }
        if let Some(kept) = plan.kept.get(&id) {
            node.inputs = kept.iter().map(|&k| node.inputs[k]).collect();
            if let [only] = node.inputs[..] {
                return Is(only);
            }
        }
        Stays(node)
    });
    (VerifiedGraph::rewritten(dead_code(&new)), plan.merges)
}

/// What is to be merged.
#[derive(Default)]
struct Plan {
    merges: Vec<Merge>,
    /// What layers become.
    layers: HashMap<NodeId, Arc<dyn Op>>,
    /// Inputs that sums keep.
    kept: HashMap<NodeId, Vec<usize>>,
    /// Layers that read what the layer before them read.
    chains: Vec<NodeId>,
}

impl Plan {
    fn of(graph: &VerifiedGraph) -> Self {
        let mut plan = Self::default();
        let readers = graph.consumers();
        let read_once = |id: NodeId| readers[id.0].len() == 1 && !graph.outputs().contains(&id);
        let mut taken = vec![false; graph.nodes().len()];
        for sum in (0..graph.nodes().len()).map(NodeId) {
            plan.sum(graph, sum, &read_once, &mut taken);
        }
        for second in (0..graph.nodes().len()).map(NodeId) {
            plan.chain(graph, second, &read_once, &mut taken);
        }
        plan
    }

    /// Merges what it can of a sum into its largest convolution.
    fn sum(&mut self, graph: &Graph, sum: NodeId, read_once: &impl Fn(NodeId) -> bool, taken: &mut [bool]) {
        let node = graph.node(sum);
        let is_plain = node.inputs.iter().all(|&x| *graph.fact(x) == node.fact);
        if node.op.downcast::<Add>().is_none() || !is_plain {
            return;
        }
        let parts: Vec<Part> = node.inputs.iter().map(|&x| Part::of(graph, x, read_once(x))).collect();
        let mut layers: Vec<usize> = (0..parts.len()).filter(|&i| parts[i].layer).collect();
        layers.sort_by_key(|&i| std::cmp::Reverse(parts[i].taps()));
        for layer in layers {
            let within = |i: usize| if i == layer { None } else { parts[i].within(&parts[layer]) };
            let merged: Vec<(usize, Vec<usize>)> =
                (0..parts.len()).filter_map(|i| Some((i, within(i)?))).collect();
            if merged.is_empty() {
                continue;
            }
            let gone = |i: &usize| merged.iter().any(|(m, _)| m == i);
            self.kept.insert(sum, (0..parts.len()).filter(|i| !gone(i)).collect());
            let id = node.inputs[layer];
            self.layers.insert(id, Arc::new(parts[layer].conv.clone().with_bias()));
            taken[id.0] = true;
            let branch = |(i, taps): (usize, Vec<usize>)| {
                let node = parts[i].is_node.then(|| graph.node(node.inputs[i]).clone());
                Branch { node, taps }
            };
            for (i, _) in merged.iter().filter(|(i, _)| parts[*i].is_node) {
                taken[node.inputs[*i].0] = true;
            }
            let branches = merged.into_iter().map(branch).collect();
            let (layer, window) = (graph.node(id).name.clone(), parts[layer].taps());
            self.merges.push(Merge::Sum { layer, window, branches });
            return;
        }
    }

    /// Merges a layer of size 1 with the one before it.
    fn chain(
        &mut self,
        graph: &Graph,
        second: NodeId,
        read_once: &impl Fn(NodeId) -> bool,
        taken: &mut [bool],
    ) {
        let Some((out, bias)) = pointwise(&*graph.node(second).op) else { return };
        let first = graph.node(second).inputs[0];
        if taken[first.0] || taken[second.0] || !read_once(first) {
            return;
        }
        let Some(op) = widened(&*graph.node(first).op, out, bias) else { return };
        let size = |op: &dyn Op, of: NodeId| -> usize {
            op.params(&graph.input_facts(of)).iter().map(|p| p.len()).sum()
        };
        let before = [first, second].map(|id| size(&*graph.node(id).op, id)).iter().sum();
        if size(&*op, first) > before {
            return;
        }
        self.layers.insert(second, op);
        self.chains.push(second);
        taken[first.0] = true;
        taken[second.0] = true;
        let layer = graph.node(second).name.clone();
        self.merges.push(Merge::Chain { layer, first: graph.node(first).clone() });
    }
}

/// An input of a sum as a convolution.
struct Part {
    conv: Conv,
    /// What it reads.
    source: NodeId,
    /// Whether it is a node of its own that nobody else reads.
    is_node: bool,
    /// Whether that is a convolution.
    layer: bool,
}

impl Part {
    fn of(graph: &Graph, id: NodeId, read_once: bool) -> Self {
        let (node, fact) = (graph.node(id), graph.fact(id));
        let is_map = node.op.downcast::<BatchNorm>().is_some() || node.op.downcast::<Scale>().is_some();
        if let Some(conv) = node.op.downcast::<Conv>().filter(|_| read_once) {
            return Self { conv: conv.clone(), source: node.inputs[0], is_node: true, layer: true };
        }
        let conv = Conv::same(fact.channels(), &vec![1; fact.spatial().len()]);
        let is_node = is_map && read_once;
        let source = if is_node { node.inputs[0] } else { id };
        Self { conv, source, is_node, layer: false }
    }

    fn taps(&self) -> usize {
        self.conv.kernel.iter().product()
    }

    /// The taps of `other` at the places of its own, if they read the same value at the same positions.
    fn within(&self, other: &Self) -> Option<Vec<usize>> {
        let (own, whole) = (&self.conv, &other.conv);
        let fits = self.source == other.source && own.stride == whole.stride;
        if !fits || self.layer && own.groups != whole.groups {
            return None;
        }
        (0..own.kernel.len()).try_fold(vec![0], |taps, axis| {
            let places = (0..own.kernel[axis]).map(|t| {
                let place = (t * own.dilation[axis] + whole.pad[axis]).checked_sub(own.pad[axis])?;
                let tap = place / whole.dilation[axis];
                (place % whole.dilation[axis] == 0 && tap < whole.kernel[axis]).then_some(tap)
            });
            let places: Vec<usize> = places.collect::<Option<_>>()?;
            let all = |before: usize| places.iter().map(move |tap| before * whole.kernel[axis] + tap);
            Some(taps.into_iter().flat_map(all).collect())
        })
    }
}

/// Output channels and bias of a layer that reads one position.
fn pointwise(op: &dyn Op) -> Option<(usize, bool)> {
    if let Some(linear) = op.downcast::<Linear>() {
        return Some((linear.out, linear.bias));
    }
    let conv = op.downcast::<Conv>()?;
    let ones = conv.kernel.iter().chain(&conv.stride).all(|&n| n == 1) && conv.pad.iter().all(|&p| p == 0);
    (ones && conv.groups == 1).then_some((conv.out, conv.bias))
}

/// The layer with other outputs, and with a bias if it or `bias` is so.
fn widened(op: &dyn Op, out: usize, bias: bool) -> Option<Arc<dyn Op>> {
    if let Some(linear) = op.downcast::<Linear>() {
        return Some(Arc::new(Linear { out, bias: bias || linear.bias }));
    }
    let conv = op.downcast::<Conv>().filter(|conv| conv.groups == 1)?;
    Some(Arc::new(Conv { out, bias: bias || conv.bias, ..conv.clone() }))
}
