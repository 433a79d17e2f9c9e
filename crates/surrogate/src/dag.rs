//! An architecture as a graph with labels.

use nasmyth_graph::{Graph, Node, VerifiedGraph, passes};

/// What follows or precedes a layer without being one: such operators share the label of the layer in their chain.
const COMPANIONS: [&str; 10] = [
    "activation",
    "leaky_relu",
    "prelu",
    "batch_norm",
    "layer_norm",
    "scale",
    "standardize",
    "dropout",
    "channel_dropout",
    "drop_path",
];

/// Companions that belong to the layer that reads them, where one does, so that a layer has the same label before another one and before a sum.
const LEADING: [&str; 3] = ["activation", "leaky_relu", "prelu"];

/// A directed acyclic graph whose nodes have labels. Inputs of a node stand before it; their order does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dag {
    labels: Vec<String>,
    inputs: Vec<Vec<usize>>,
}

impl Dag {
    /// A graph from the labels of its nodes and the nodes that each of them reads; `None` unless these stand before it.
    pub fn new(labels: Vec<String>, inputs: Vec<Vec<usize>>) -> Option<Self> {
        let before = inputs.iter().enumerate().all(|(i, from)| from.iter().all(|&j| j < i));
        (labels.len() == inputs.len() && before).then_some(Self { labels, inputs })
    }

    /// Nodes with these labels, each of which reads the one before.
    pub fn chain(labels: Vec<String>) -> Self {
        let inputs = (0..labels.len()).map(|i| i.checked_sub(1).into_iter().collect()).collect();
        Self { labels, inputs }
    }

    /// The graph of a network: a label is an operator with its attributes, and the last node, `output`, reads the outputs.
    ///
    /// What is always zero is left out. An activation or normalisation next to a layer in a chain without branches becomes part of the
    /// layer's label, so a convolution with batch norm is one node: activations of the layer after them, everything else of the one before.
    pub fn of(graph: &VerifiedGraph) -> Self {
        let folded = passes::dead_code(&passes::constant_folding(graph));
        let consumers = folded.consumers();
        let uses: Vec<usize> = consumers.iter().map(Vec::len).collect();
        let leads = |at: usize| {
            let reader = (uses[at] == 1).then(|| &folded.nodes()[consumers[at][0].0]);
            let layer = |node: &Node| node.inputs.len() == 1 && !COMPANIONS.contains(&node.op.kind());
            LEADING.contains(&folded.nodes()[at].op.kind()) && reader.is_some_and(layer)
        };
        let nodes = folded.nodes();
        let mut dag = Self { labels: Vec::new(), inputs: Vec::new() };
        let mut place: Vec<usize> = Vec::with_capacity(nodes.len());
        let mut has_layer: Vec<bool> = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            let companion = COMPANIONS.contains(&node.op.kind());
            let joined = only_reader(&folded, node, &uses).map(|before| place[before]);
            let joined = joined.filter(|&to| !has_layer[to] || companion && !leads(at));
            place.push(match joined {
                Some(to) => {
                    dag.labels[to] += "; ";
                    dag.labels[to] += &label(node);
                    has_layer[to] |= !companion;
                    to
                }
                None => {
                    dag.labels.push(label(node));
                    dag.inputs.push(node.inputs.iter().map(|input| place[input.0]).collect());
                    has_layer.push(!companion);
                    dag.labels.len() - 1
                }
            });
        }
        dag.inputs.push(folded.outputs().iter().map(|output| place[output.0]).collect());
        dag.labels.push("output".to_owned());
        dag
    }

    /// Labels of the nodes.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// For each node those that it reads, once for each time.
    pub fn inputs(&self) -> &[Vec<usize>] {
        &self.inputs
    }
}

/// The node before this one, if both read one value each and nobody else reads that node.
fn only_reader(graph: &Graph, node: &Node, uses: &[usize]) -> Option<usize> {
    let [before] = node.inputs[..] else { return None };
    let unary = graph.node(before).inputs.len() == 1;
    (unary && uses[before.0] == 1 && !graph.outputs().contains(&before)).then_some(before.0)
}

fn label(node: &Node) -> String {
    let attributes = node.op.attributes().to_string();
    match attributes.is_empty() {
        true => node.op.kind().to_owned(),
        false => format!("{}({attributes})", node.op.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_graph::parse;

    #[test]
    fn companions_join_the_layer_of_their_chain_and_zeros_disappear() {
        let text = "x = input(shape=[4])\nr = activation(x, function=relu)\na = linear(r, out=4)\nb = linear(x, out=4)\n\
            c = batch_norm(b)\nd = linear(c, out=4)\nz = zero(x)\ns = add(a, d, z)\n\
            e = linear(s, out=4)\nf = activation(e, function=tanh)\ng = linear(f, out=4)\nh = activation(g, function=relu)\noutput h";
        let dag = Dag::of(&parse(text).unwrap());
        let labels = [
            "input(shape=[4])",
            "activation(function=relu); linear(out=4)",
            "linear(out=4); batch_norm",
            "linear(out=4)",
            "add",
            "linear(out=4)",
            "activation(function=tanh); linear(out=4); activation(function=relu)",
            "output",
        ];
        assert_eq!(dag.labels(), labels);
        assert_eq!(dag.inputs(), [vec![], vec![0], vec![0], vec![2], vec![1, 3], vec![4], vec![5], vec![6]]);
        assert_eq!(Dag::new(vec!["a".to_owned()], vec![vec![0]]), None);
    }
}
