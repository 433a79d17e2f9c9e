//! What the operators of a network have to do: the input of every cost model.

use nasmyth_graph::ops::{Activation, Conv, Input, Pool, Standardize};
use nasmyth_graph::{NodeId, VerifiedGraph};

/// The work of one operator on one sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// What kind of work it is: operators of one kind differ in size only, e.g. `conv-3x3`, `depthwise-5x5`, `activation-relu`.
    pub kind: String,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes of its parameters and buffers in float32.
    pub weights: u64,
    /// Bytes of its inputs and its output in float32.
    pub activations: u64,
}

impl Operator {
    /// Multiply-accumulates for each byte that is moved, a byte of weights counting as `weight` bytes of activations: with 1 the plain
    /// arithmetic intensity, otherwise weighted by the type of the data, with a weighting that is fitted to a device.
    pub fn intensity(&self, weight: f64) -> f64 {
        self.macs as f64 / self.traffic(weight)
    }

    /// Bytes that are moved, a byte of weights counting as `weight` bytes of activations.
    pub fn traffic(&self, weight: f64) -> f64 {
        self.activations as f64 + weight * self.weights as f64
    }

    /// What its time grows with: multiply-accumulates where it has any, bytes otherwise.
    pub fn size(&self) -> f64 {
        if self.macs > 0 { self.macs as f64 } else { self.activations as f64 }
    }

    /// Whether each channel is filtered on its own: few operations for each byte, and other code than dense products.
    pub fn depthwise(&self) -> bool {
        self.kind.starts_with("depthwise")
    }
}

/// The operators of a network in their order, without the input, its standardisation (which every trained network has, for which others have
/// a line of code outside, and which takes next to nothing) and what does nothing at inference. Batch norms are counted as
/// operators of their own: for the time of a network in which they are folded into layers, give that network.
pub fn operators(graph: &VerifiedGraph) -> Vec<Operator> {
    operators_by_node(graph).map(|(_, operator)| operator).collect()
}

/// The same with the nodes that they are of.
pub fn operators_by_node(graph: &VerifiedGraph) -> impl Iterator<Item = (NodeId, Operator)> + '_ {
    let ids = (0..graph.nodes().len()).map(NodeId);
    ids.filter(|&id| runs(graph, id)).map(|id| (id, operator(graph, id)))
}

fn runs(graph: &VerifiedGraph, id: NodeId) -> bool {
    let node = graph.node(id);
    let passes_on = node.op.random() && node.inputs.len() == 1;
    let enters = node.op.downcast::<Input>().is_some() || node.op.downcast::<Standardize>().is_some();
    !passes_on && !enters && !node.op.is_identity(&graph.input_facts(id))
}

fn operator(graph: &VerifiedGraph, id: NodeId) -> Operator {
    let (node, inputs) = (graph.node(id), graph.input_facts(id));
    let read: u64 = inputs.iter().map(|fact| fact.bytes()).sum();
    Operator {
        kind: kind(graph, id),
        macs: node.op.macs(&inputs, &node.fact),
        weights: 4 * graph.params_of(id).iter().map(|p| p.len() as u64).sum::<u64>(),
        activations: read + node.fact.bytes(),
    }
}

fn kind(graph: &VerifiedGraph, id: NodeId) -> String {
    let op = &graph.node(id).op;
    let window = |kernel: &[usize]| kernel.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    if let Some(conv) = op.downcast::<Conv>() {
        let channels = graph.input_facts(id).first().map_or(1, |fact| fact.channels());
        let family = match conv.groups {
            _ if conv.is_depthwise(channels) => "depthwise",
            1 => "conv",
            _ => "grouped",
        };
        format!("{family}-{}", window(&conv.kernel))
    } else if let Some(pool) = op.downcast::<Pool>() {
        format!("{}-pool-{}", pool.pooling.name(), window(&pool.kernel))
    } else if let Some(Activation(function)) = op.downcast::<Activation>() {
        format!("activation-{}", function.name())
    } else {
        op.kind().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_what_hand_counting_says() {
        let text = "i = input(shape=[8,8,4])\nx = standardize(i)\na = conv(x, out=6, kernel=[3,3])\nb = conv(a, out=6, kernel=[5,5], groups=6)\n\
            c = conv(b, out=4, kernel=[1,1], groups=2)\nd = dropout(c, rate=0.5)\nr = activation(d, function=relu)\n\
            g = global_pool(r, pooling=average)\ny = linear(g, out=3)\noutput y";
        let graph = nasmyth_graph::parse(text).unwrap();
        let got = operators(&graph);
        let expected: [(&str, u64, u64, u64); 6] = [
            ("conv-3x3", 64 * 9 * 4 * 6, 9 * 4 * 6, 64 * (4 + 6)),
            ("depthwise-5x5", 64 * 25 * 6, 25 * 6, 64 * 12),
            ("grouped-1x1", 64 * 3 * 4, 3 * 4, 64 * 10),
            ("activation-relu", 0, 0, 64 * 8),
            ("global_pool", 0, 0, 64 * 4 + 4),
            ("linear", 12, 12 + 3, 4 + 3),
        ];
        assert_eq!(got.len(), expected.len());
        for (operator, (kind, macs, weights, activations)) in got.iter().zip(expected) {
            let hand =
                Operator { kind: kind.to_owned(), macs, weights: 4 * weights, activations: 4 * activations };
            assert_eq!(operator, &hand);
        }
        assert_eq!(got.iter().map(|o| o.macs).sum::<u64>(), graph.macs());
    }

    #[test]
    fn equal_weights_give_the_plain_arithmetic_intensity() {
        let operator = Operator { kind: "linear".to_owned(), macs: 600, weights: 100, activations: 50 };
        assert_eq!(operator.intensity(1.0), 600.0 / 150.0);
        assert_eq!(operator.intensity(0.5), 600.0 / 100.0);
    }
}
