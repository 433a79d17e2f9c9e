//! For inference: what a layer's output is multiplied by and shifted by goes into its weight and bias.

use super::rewrite::Rewritten::{Is, Stays};
use crate::ops::{BatchNorm, Conv, Linear, Scale};
use crate::{Graph, Node, NodeId, Op, VerifiedGraph};
use std::collections::HashMap;
use std::sync::Arc;

/// A layer that has taken in the maps that followed it.
#[derive(Clone, Debug)]
pub struct Folded {
    /// Name of the layer, in both graphs; it now has a bias.
    pub layer: String,
    /// The maps that are gone, in the order in which they applied; at inference each is `y = scale x + shift` per channel.
    pub maps: Vec<Node>,
}

/// The graph at inference, without those [`BatchNorm`] and [`Scale`] nodes that alone read a [`Conv`] or [`Linear`], directly or
/// after another such map, and without random operators of one input, which do nothing at inference. The numbers for the remaining layers follow
/// from [`Folded`].
///
/// A [`Standardize`](crate::ops::Standardize) stays, before a layer and after it: raw values may lie far from zero for their
/// spread, and a sum that starts there loses digits.
pub fn fold_batch_norm(graph: &VerifiedGraph) -> (VerifiedGraph, Vec<Folded>) {
    let graph = graph.rewrite(|_, _, node| match node.op.random() && node.inputs.len() == 1 {
        true => Is(node.inputs[0]),
        false => Stays(node),
    });
    let map_after = sole_maps(&graph);
    let mut folded: Vec<Folded> = Vec::new();
    let mut taken_in: HashMap<NodeId, usize> = HashMap::new();
    let new = graph.rewrite(|_, id, mut node| {
        if let Some(&layer) = taken_in.get(&id) {
            let input = node.inputs[0];
            folded[layer].maps.push(node);
            taken_in.extend(map_after[id.0].map(|next| (next, layer)));
            return Is(input);
        }
        if let (Some(biased), Some(map)) = (with_bias(&*node.op), map_after[id.0]) {
            taken_in.insert(map, folded.len());
            folded.push(Folded { layer: node.name.clone(), maps: Vec::new() });
            node.op = biased;
        }
        Stays(node)
    });
    (VerifiedGraph::rewritten(new), folded)
}

/// For each node the map that alone reads it, if there is one.
fn sole_maps(graph: &Graph) -> Vec<Option<NodeId>> {
    let is_map = |id: &NodeId| {
        let op = &*graph.node(*id).op;
        op.downcast::<BatchNorm>().is_some() || op.downcast::<Scale>().is_some()
    };
    let sole = |(i, readers): (usize, Vec<NodeId>)| match readers[..] {
        [only] if !graph.outputs().contains(&NodeId(i)) => Some(only).filter(is_map),
        _ => None,
    };
    graph.consumers().into_iter().enumerate().map(sole).collect()
}

/// The layer with a bias, if the operator is one.
fn with_bias(op: &dyn Op) -> Option<Arc<dyn Op>> {
    let conv = op.downcast::<Conv>().map(|conv| Arc::new(conv.clone().with_bias()) as Arc<dyn Op>);
    conv.or_else(|| op.downcast::<Linear>().map(|l| Arc::new(Linear::new(l.out)) as Arc<dyn Op>))
}
