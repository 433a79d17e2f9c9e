//! Operators grouped into boxes, so that a drawing shows layers and not every step.

use crate::title::{Family, short, suffix, times, title};
use nasmyth_graph::ops::{GlobalPool, Linear, Mul};
use nasmyth_graph::{NodeId, Role, VerifiedGraph};

/// Operators that join the box of the operator before them.
const FOLLOWERS: [&str; 13] = [
    "batch_norm",
    "layer_norm",
    "activation",
    "leaky_relu",
    "prelu",
    "softmax",
    "scale",
    "standardize",
    "dropout",
    "channel_dropout",
    "drop_path",
    "reshape",
    "permute",
];

/// One box of the drawing.
pub(crate) struct NodeBox {
    /// First line.
    pub(crate) title: String,
    /// What follows in the same box.
    pub(crate) detail: String,
    /// Shape of what comes out.
    pub(crate) shape: String,
    /// Parameters in words; empty for none.
    pub(crate) params: String,
    /// Colour.
    pub(crate) family: Family,
    /// The operators inside, one a line, for the tooltip.
    pub(crate) inside: String,
    /// Scope of its name, e.g. `stage2.block1`; empty for none.
    pub(crate) scope: String,
    /// Trainable parameters.
    pub(crate) count: u64,
    /// Multiply-accumulates for one sample.
    pub(crate) macs: u64,
    /// Boxes that it reads.
    pub(crate) inputs: Vec<usize>,
    /// Whether a graph output leaves here.
    pub(crate) output: bool,
}

/// The boxes of a graph, inputs before consumers.
pub(crate) fn group(g: &VerifiedGraph) -> Vec<NodeBox> {
    let heads = heads(g);
    let mut order: Vec<usize> = heads.clone();
    order.sort_unstable();
    order.dedup();
    // A squeeze-excitation stands where its product stands, after everything it reads.
    let members =
        |head: usize| (0..heads.len()).filter(|&i| heads[i] == head).map(NodeId).collect::<Vec<_>>();
    let groups: Vec<Vec<NodeId>> = order.iter().map(|&head| members(head)).collect();
    let box_of = |id: NodeId| order.binary_search(&heads[id.0]).unwrap_or_default();
    let make = |(i, nodes): (usize, &Vec<NodeId>)| {
        let mut inputs: Vec<usize> = nodes
            .iter()
            .flat_map(|&id| &g.node(id).inputs)
            .map(|&input| box_of(input))
            .filter(|&b| b != i)
            .collect();
        inputs.dedup();
        node_box(g, NodeId(order[i]), nodes, inputs)
    };
    groups.iter().enumerate().map(make).collect()
}

/// For each node the node that its box is named after.
fn heads(g: &VerifiedGraph) -> Vec<usize> {
    let consumers = g.consumers();
    let private = |id: NodeId| consumers[id.0].len() == 1 && !g.outputs().contains(&id);
    let mut heads: Vec<usize> = (0..g.nodes().len()).collect();
    for (i, node) in g.nodes().iter().enumerate() {
        if let Some(gate) = squeeze_excitation(g, NodeId(i), &private) {
            gate.iter().for_each(|id| heads[id.0] = i);
        } else if let [input] = node.inputs[..]
            && FOLLOWERS.contains(&node.op.kind())
            && private(input)
        {
            heads[i] = heads[input.0];
        }
    }
    heads
}

/// The nodes of the gate, if `id` is a product of `x` and a gate that is computed from `x` by pooling and linear layers.
fn squeeze_excitation(
    g: &VerifiedGraph,
    id: NodeId,
    private: &impl Fn(NodeId) -> bool,
) -> Option<Vec<NodeId>> {
    g.node(id).op.downcast::<Mul>()?;
    let (x, mut at) = (g.node(id).inputs[0], g.node(id).inputs[1]);
    let mut gate = Vec::new();
    while private(at) {
        let node = g.node(at);
        gate.push(at);
        match node.inputs[..] {
            [input] if input == x && node.op.downcast::<GlobalPool>().is_some() => return Some(gate),
            [input] if ["linear", "activation", "reshape"].contains(&node.op.kind()) => at = input,
            _ => return None,
        }
    }
    None
}

fn node_box(g: &VerifiedGraph, head: NodeId, nodes: &[NodeId], inputs: Vec<usize>) -> NodeBox {
    let (mut name, mut family) = title(g, head);
    let followers = nodes.iter().filter(|&&id| id > head).map(|&id| suffix(g, id));
    let mut detail: Vec<String> = followers.collect();
    if nodes[0] < head {
        (name, family) = ("Squeeze-excite".to_owned(), Family::Gate);
        let hidden = nodes.iter().find_map(|&id| Some(g.node(id).op.downcast::<Linear>()?.out));
        detail.insert(0, hidden.map_or_else(String::new, |h| format!("hidden {h}")));
    }
    let last = nodes.iter().copied().max().unwrap_or(head);
    let params = nodes.iter().flat_map(|&id| g.params_of(id)).filter(|p| p.role != Role::Buffer);
    let params: u64 = params.map(|p| p.len() as u64).sum();
    NodeBox {
        title: name,
        detail: detail.join(" · "),
        shape: times(g.fact(last).shape()),
        params: if params == 0 { String::new() } else { short(params) },
        family,
        inside: inside(g, nodes),
        scope: g.node(head).name.rsplit_once('.').map_or("", |(scope, _)| scope).to_owned(),
        count: params,
        macs: nodes.iter().map(|&id| g.node(id).op.macs(&g.input_facts(id), g.fact(id))).sum(),
        inputs,
        output: nodes.iter().any(|id| g.outputs().contains(id)),
    }
}

fn inside(g: &VerifiedGraph, nodes: &[NodeId]) -> String {
    let line = |id: &NodeId| {
        let node = g.node(*id);
        format!("{}: {}({}) → {}", node.name, node.op.kind(), node.op.attributes(), times(node.fact.shape()))
    };
    nodes.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_with_norm_and_activation_is_one_box_and_so_is_a_gate() {
        let text = "x = input(shape=[8, 8, 3])\nc = conv(x, out=4, kernel=[3, 3], stride=[2, 2])\nb = batch_norm(c)\n\
            r = activation(b, function=relu)\np = global_pool(r, pooling=average)\nl = linear(p, out=2)\n\
            h = activation(l, function=relu)\nm = linear(h, out=4)\ns = activation(m, function=sigmoid)\ny = mul(r, s)\noutput y";
        let boxes = group(&nasmyth_graph::parse(text).unwrap());
        let titles: Vec<_> =
            boxes.iter().map(|b| (b.title.as_str(), b.detail.as_str(), b.inputs.as_slice())).collect();
        let expected = [
            ("Input", "", &[][..]),
            ("Conv 3×3 /2", "BN · ReLU", &[0]),
            ("Squeeze-excite", "hidden 2", &[1]),
        ];
        assert_eq!(titles, expected);
    }
}
