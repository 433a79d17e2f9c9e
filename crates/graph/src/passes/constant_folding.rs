//! What is always zero, and what changes nothing.

use super::rewrite::Rewritten::{self, Is, Stays};
use crate::ops::{Add, Mul, Zero};
use crate::{Fact, Graph, Node, NodeId};
use std::sync::Arc;

/// Values that are zero for any input and any parameters are computed as [`Zero`] of the first ancestor that has their shape, so
/// that nothing in between is needed; where no ancestor has it, they stay. Zeros are left out of sums, and operators that
/// change nothing are left out altogether.
///
/// Zero is the only constant that survives training: normalisation of zeros and layers with a bias give what they have learned.
pub fn constant_folding(graph: &Graph) -> Graph {
    let mut zero: Vec<bool> = Vec::new(); // for each node of the new graph
    graph.rewrite(|new, _, node| {
        let is_zero = is_zero(&node, &zero);
        let rewritten = if is_zero { as_zero(new, node, &zero) } else { without_neutral(new, node, &zero) };
        if let Stays(_) = rewritten {
            zero.push(is_zero);
        }
        rewritten
    })
}

fn is_zero(node: &Node, zero: &[bool]) -> bool {
    let mut inputs = node.inputs.iter().map(|x| zero[x.0]);
    match node.op.downcast::<Mul>() {
        Some(_) => inputs.any(|zero| zero),
        None => node.op.downcast::<Zero>().is_some() || node.op.keeps_zero() && inputs.all(|zero| zero),
    }
}

/// A node that is zero. Its ancestors are needed by it already, so to read one of them makes no other node necessary.
fn as_zero(graph: &Graph, node: Node, zero: &[bool]) -> Rewritten {
    let ancestors = graph.ancestors(&node.inputs);
    let same_shape = |i: &usize| ancestors[*i] && graph.nodes()[*i].fact == node.fact;
    match (0..ancestors.len()).find(same_shape) {
        Some(first) if zero[first] => Is(NodeId(first)),
        Some(first) => Stays(Node { op: Arc::new(Zero), inputs: vec![NodeId(first)], ..node }),
        None => Stays(node),
    }
}

/// A node that is not zero, without terms that are, or what it passes on unchanged.
fn without_neutral(graph: &Graph, mut node: Node, zero: &[bool]) -> Rewritten {
    let facts: Vec<&Fact> = node.inputs.iter().map(|&x| graph.fact(x)).collect();
    if node.op.is_identity(&facts) {
        return Is(node.inputs[0]);
    }
    if node.op.downcast::<Add>().is_some() {
        let terms: Vec<NodeId> = node.inputs.iter().copied().filter(|x| !zero[x.0]).collect();
        // Where all that remains is spread over positions, a zero still says over how many.
        if terms.iter().any(|&x| *graph.fact(x) == node.fact) {
            node.inputs = terms;
        }
    }
    match node.inputs[..] {
        [only] if node.op.downcast::<Add>().is_some() => Is(only),
        _ => Stays(node),
    }
}
