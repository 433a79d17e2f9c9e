//! From the graph to what the engine runs: kernels bound to shapes, with neighbours fused.

use crate::kernels::{Kernel, Site};
use crate::{EngineError, Mode, ParamLayout, Real};
use nasmyth_graph::ops::{Activation, BatchNorm};
use nasmyth_graph::{NodeId, Role, VerifiedGraph};
use std::ops::Range;

/// One parameter of a node.
#[derive(Clone, Debug)]
pub(crate) struct Param {
    pub range: Range<usize>,
    pub role: Role,
}

/// One operator, or several fused into one kernel.
pub(crate) struct LoweredNode<T> {
    /// Name of the operator that gives the output.
    pub name: String,
    /// `None` for the input.
    pub kernel: Option<Box<dyn Kernel<T>>>,
    pub inputs: Vec<usize>,
    /// Elements of a sample of the output.
    pub len: usize,
    pub params: Vec<Param>,
}

/// The nodes of a graph, inputs before consumers.
pub(crate) struct Lowered<T> {
    pub nodes: Vec<LoweredNode<T>>,
    pub input: usize,
    pub output: usize,
    pub training: bool,
}

impl<T: Real> Lowered<T> {
    /// Binds every operator to its kernel.
    pub fn new(graph: &VerifiedGraph, layout: &ParamLayout, mode: Mode) -> Result<Self, EngineError> {
        let training = mode != Mode::Infer;
        let consumers = graph.consumers();
        let mut nodes: Vec<LoweredNode<T>> = Vec::new();
        let mut place = vec![usize::MAX; graph.nodes().len()];
        // Which nodes depend on a trained parameter.
        let mut trained = vec![false; graph.nodes().len()];
        for (i, node) in graph.nodes().iter().enumerate() {
            let id = NodeId(i);
            let own = graph.params_of(id).iter().any(|p| p.role != Role::Buffer);
            trained[i] = training && (own || node.inputs.iter().any(|x| trained[x.0]));
            if activation_after(graph, &consumers, id).is_some() {
                continue; // comes with its activation
            }
            let norm = node.inputs.first().filter(|&&x| activation_after(graph, &consumers, x) == Some(id));
            let first = norm.copied().unwrap_or(id);
            let missing =
                || EngineError::NoKernel { node: node.name.clone(), kind: node.op.kind().to_owned() };
            let kernel = if id == graph.input_id() {
                None
            } else {
                let input_gradient = graph.node(first).inputs.iter().any(|x| trained[x.0]);
                let inputs = graph.input_facts(first);
                let site = Site { inputs, output: &node.fact, training, input_gradient };
                let after = norm.and_then(|_| node.op.downcast::<Activation>()).map(|a| a.0);
                Some(T::kernel(&*graph.node(first).op, after, &site).ok_or_else(missing)?)
            };
            let key = |name: &str| format!("{}.{name}", graph.node(first).name);
            let params = graph.params_of(first).into_iter();
            place[i] = nodes.len();
            nodes.push(LoweredNode {
                name: node.name.clone(),
                kernel,
                inputs: graph.node(first).inputs.iter().map(|x| place[x.0]).collect(),
                len: node.fact.len(),
                params: params
                    .filter_map(|p| {
                        Some(Param { range: layout.entry(&key(p.name))?.range.clone(), role: p.role })
                    })
                    .collect(),
            });
        }
        let (input, output) = (place[graph.input_id().0], place[graph.outputs()[0].0]);
        Ok(Self { nodes, input, output, training })
    }

    /// Elements of a sample of node `i`.
    pub fn len(&self, i: usize) -> usize {
        self.nodes[i].len
    }
}

/// The activation that alone reads a batch norm: the two become one kernel, and the value between them is never stored.
fn activation_after(graph: &VerifiedGraph, consumers: &[Vec<NodeId>], id: NodeId) -> Option<NodeId> {
    graph.node(id).op.downcast::<BatchNorm>()?;
    let [reader] = consumers[id.0][..] else { return None };
    let alone = graph.outputs().iter().all(|&o| o != id);
    graph.node(reader).op.downcast::<Activation>().filter(|_| alone).map(|_| reader)
}
