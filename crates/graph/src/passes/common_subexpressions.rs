//! Equal computations are done once.

use super::rewrite::Rewritten::{Is, Stays};
use crate::{Graph, NodeId};
use std::collections::HashMap;

/// Equal operators on equal inputs become one. Operators with parameters have each their own and stay apart, as do random ones,
/// which draw each for themselves. A sum of two does not depend on their order; a sum of more does, by rounding.
pub fn common_subexpressions(graph: &Graph) -> Graph {
    let mut first = HashMap::new();
    graph.rewrite(|new, id, node| {
        let is_input = node.inputs.is_empty();
        if is_input || node.op.random() || !graph.params_of(id).is_empty() {
            return Stays(node);
        }
        let mut inputs = node.inputs.clone();
        if node.op.commutative() && inputs.len() == 2 {
            inputs.sort_unstable();
        }
        let key = (node.op.kind(), node.op.attributes().to_string(), inputs);
        let next = NodeId(new.nodes().len());
        match *first.entry(key).or_insert(next) {
            id if id == next => Stays(node),
            id => Is(id),
        }
    })
}
