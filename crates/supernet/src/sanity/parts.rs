//! What of a network is there because of an option.

use nasmyth_graph::ops::{GlobalPool, Linear, Pooling, Standardize, Zero};
use nasmyth_graph::{Graph, GraphError, NodeId, VerifiedGraph};
use std::collections::BTreeSet;

/// Connected nodes that not all options of a choice have.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The last value that it reads.
    pub entry: NodeId,
    /// The last of its nodes that others read.
    pub exit: NodeId,
    /// Its operators, and the shape of what they read.
    pub signature: String,
}

/// Operator and name of a node.
fn key(graph: &Graph, id: usize) -> String {
    let node = &graph.nodes()[id];
    format!("{} {}", node.name, function(graph, id))
}

fn function(graph: &Graph, id: usize) -> String {
    let op = &graph.nodes()[id].op;
    format!("{}({})", op.kind(), op.attributes())
}

/// The parts of a network that are missing in at least one of `others`. Parts that only make zeros are the absence of an operator and
/// left out.
pub(crate) fn parts(graph: &VerifiedGraph, others: &[&VerifiedGraph]) -> Vec<Part> {
    let keys = |g: &VerifiedGraph| (0..g.nodes().len()).map(|i| key(g, i)).collect::<BTreeSet<_>>();
    let others: Vec<BTreeSet<String>> = others.iter().map(|g| keys(g)).collect();
    let own: Vec<bool> =
        (0..graph.nodes().len()).map(|i| others.iter().any(|keys| !keys.contains(&key(graph, i)))).collect();
    let component = components(graph, &own);
    let first: BTreeSet<usize> = component.iter().flatten().copied().collect();
    first.into_iter().filter_map(|c| part(graph, &members(&component, c))).collect()
}

/// The number of the connected component of each node that is its own: that of its first node.
fn components(graph: &Graph, own: &[bool]) -> Vec<Option<usize>> {
    let mut component: Vec<Option<usize>> = vec![None; own.len()];
    for (i, node) in graph.nodes().iter().enumerate().filter(|(i, _)| own[*i]) {
        let before: BTreeSet<usize> = node.inputs.iter().filter_map(|input| component[input.0]).collect();
        let joined = before.first().copied().unwrap_or(i);
        component[i] = Some(joined);
        for other in component.iter_mut().flatten().filter(|c| before.contains(&**c)) {
            *other = joined;
        }
    }
    component
}

fn members(component: &[Option<usize>], number: usize) -> BTreeSet<NodeId> {
    (0..component.len()).filter(|i| component[*i] == Some(number)).map(NodeId).collect()
}

fn part(graph: &Graph, nodes: &BTreeSet<NodeId>) -> Option<Part> {
    if nodes.iter().all(|id| graph.node(*id).op.downcast::<Zero>().is_some()) {
        return None;
    }
    let read = nodes.iter().flat_map(|id| &graph.node(*id).inputs).filter(|input| !nodes.contains(*input));
    let entry = *read.max()?;
    let outside = |id: &&NodeId| {
        graph.outputs().contains(id)
            || graph
                .nodes()
                .iter()
                .enumerate()
                .any(|(i, n)| n.inputs.contains(id) && !nodes.contains(&NodeId(i)))
    };
    let exit = *nodes.iter().rev().find(outside)?;
    let operators: Vec<String> = nodes.iter().map(|id| function(graph, id.0)).collect();
    Some(Part { entry, exit, signature: format!("{} of {:?}", operators.join(" "), graph.fact(entry)) })
}

/// What a classifier reads.
#[derive(Clone, Copy)]
pub(crate) enum Sees {
    /// A value of the network.
    Value(NodeId),
    /// Zeros of its shape.
    Nothing(NodeId),
}

/// The name of the classifier of a probe.
pub(crate) const CLASSIFIER: &str = "probe";

/// A network as far as a value, and a classifier of so many outputs of its means over positions.
pub(crate) fn probe(
    graph: &Graph,
    sees: Sees,
    outputs: usize,
    regression: bool,
) -> Result<VerifiedGraph, GraphError> {
    let (Sees::Value(upto) | Sees::Nothing(upto)) = sees;
    let mut g = Graph::new(graph.name());
    for node in &graph.nodes()[..=upto.0] {
        g.add(node.name.clone(), node.op.clone(), &node.inputs)?;
    }
    g.enter(CLASSIFIER);
    let mut x = upto;
    if let Sees::Nothing(_) = sees {
        x = g.push(Zero, &[x])?;
    }
    if !g.fact(x).spatial().is_empty() {
        x = g.push(GlobalPool(Pooling::Average), &[x])?;
    }
    x = g.push(Linear::new(outputs), &[x])?;
    if regression {
        x = g.push(Standardize { inverse: true }, &[x])?;
    }
    g.output(x);
    g.verify()
}
