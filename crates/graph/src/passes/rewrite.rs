//! What passes share: a sweep over the nodes, and ancestors.

use crate::{Graph, Node, NodeId};

/// What becomes of a node.
pub(super) enum Rewritten {
    /// It remains, perhaps changed; the name and the shape are the same.
    Stays(Node),
    /// An earlier node of the new graph has its value.
    Is(NodeId),
}

impl Graph {
    /// A new graph, node by node, inputs before consumers: `rewrite` sees the new graph so far, the node's id in the old one, and
    /// the node with the inputs that it has in the new one.
    pub(super) fn rewrite(&self, mut rewrite: impl FnMut(&Graph, NodeId, Node) -> Rewritten) -> Graph {
        let mut new = Graph::new(self.name());
        let mut at: Vec<NodeId> = Vec::with_capacity(self.nodes().len());
        for (i, node) in self.nodes().iter().enumerate() {
            let mut node = node.clone();
            node.inputs.iter_mut().for_each(|input| *input = at[input.0]);
            at.push(match rewrite(&new, NodeId(i), node) {
                Rewritten::Stays(node) => new.push_node(node),
                Rewritten::Is(id) => id,
            });
        }
        self.outputs().iter().for_each(|id| new.output(at[id.0]));
        new
    }

    /// For each node, whether it is one of `ids` or one of these is computed from it.
    pub(super) fn ancestors(&self, ids: &[NodeId]) -> Vec<bool> {
        let mut ancestor = vec![false; self.nodes().len()];
        ids.iter().for_each(|id| ancestor[id.0] = true);
        for (i, node) in self.nodes().iter().enumerate().rev() {
            if ancestor[i] {
                node.inputs.iter().for_each(|input| ancestor[input.0] = true);
            }
        }
        ancestor
    }
}
