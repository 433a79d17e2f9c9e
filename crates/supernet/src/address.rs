//! Where a tensor of a super-network is found.

use nasmyth_engine::{ParamEntry, ParamLayout};
use nasmyth_graph::{Graph, NodeId, Op, Role, VerifiedGraph};
use nasmyth_space::place;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The part of the space that weights belong to: the group for each split so far. Nothing is the whole space; without its last
/// group it is the part that it was split off from.
pub type Part = Vec<u32>;

/// What two sub-networks must have in common to share a tensor: the place of the layer, its operator, and the part of the space.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address {
    /// `NODE.NAME`: spaces name nodes by their place. Members of an ensemble have the names of the networks that they are.
    pub key: String,
    /// Axes.
    pub shape: Vec<usize>,
    /// Hash of the operator; of one without weights, such as a batch norm, also of the layer that it follows.
    pub context: u64,
    /// Part of the space.
    pub part: Part,
}

impl Address {
    /// The same tensor in the part that this part was split off from; nothing for the whole space.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.part.split_last()?;
        Some(Self { part: rest.to_vec(), ..self.clone() })
    }

    /// What the first value is a function of, beside the seed of the bank: not the part.
    pub(crate) fn seed(&self, bank: u64) -> u64 {
        let mut hash = Xxh3::with_seed(bank);
        hash.update(self.key.as_bytes());
        self.shape.iter().for_each(|axis| hash.update(&axis.to_le_bytes()));
        hash.update(&self.context.to_le_bytes());
        hash.digest()
    }
}

/// The addresses of all tensors of a sub-network, in the order of its layout; `part` says which part of the space a layer of this name
/// takes its weights from. Members of an ensemble that have the same layer at one place have one address there.
pub fn addresses(graph: &VerifiedGraph, layout: &ParamLayout, part: impl Fn(&str) -> Part) -> Vec<Address> {
    let mut nodes: HashMap<String, (u64, &str)> = HashMap::new();
    for (i, node) in graph.nodes().iter().enumerate() {
        let params = graph.params_of(NodeId(i));
        if !params.is_empty() {
            let context = context(graph, NodeId(i));
            let own = params.iter().map(|p| (format!("{}.{}", node.name, p.name), (context, &*node.name)));
            nodes.extend(own);
        }
    }
    let address = |entry: &ParamEntry| {
        let (context, node) = nodes.get(&entry.key).copied().unwrap_or_default();
        let key = place(&entry.key).to_owned();
        Address { key, shape: entry.shape.clone(), context, part: part(place(node)) }
    };
    layout.entries().iter().map(address).collect()
}

fn context(graph: &Graph, id: NodeId) -> u64 {
    let node = graph.node(id);
    let mut text = text_of(graph, id);
    let followed = |before: &&NodeId| !has_weights(graph, id) && has_weights(graph, **before);
    if let Some(&before) = node.inputs.first().filter(followed) {
        text += &text_of(graph, before);
    }
    xxh3_64(text.as_bytes())
}

fn text_of(graph: &Graph, id: NodeId) -> String {
    function_of(&*graph.node(id).op)
}

fn function_of(op: &dyn Op) -> String {
    format!("{}({})", op.kind(), op.attributes())
}

/// The context of an operator that stands for itself.
pub(crate) fn function(op: &dyn Op) -> u64 {
    xxh3_64(function_of(op).as_bytes())
}

fn has_weights(graph: &Graph, id: NodeId) -> bool {
    graph.params_of(id).iter().any(|p| p.role == Role::Weight)
}
