//! Removes nodes that no output depends on.

use crate::{Graph, NodeId};

/// The part of `graph` that its outputs need, in the same order and with the same names.
pub fn dead_code(graph: &Graph) -> Graph {
    graph.retain(&graph.ancestors(graph.outputs()))
}

impl Graph {
    /// The nodes marked `keep`, renumbered; their inputs must be kept too.
    fn retain(&self, keep: &[bool]) -> Graph {
        let mut kept = Graph::new(self.name());
        let mut renumbered = vec![NodeId(usize::MAX); keep.len()];
        for (i, node) in self.nodes().iter().enumerate().filter(|(i, _)| keep[*i]) {
            let mut node = node.clone();
            node.inputs.iter_mut().for_each(|input| *input = renumbered[input.0]);
            renumbered[i] = kept.push_node(node);
        }
        self.outputs().iter().for_each(|id| kept.output(renumbered[id.0]));
        kept
    }
}
