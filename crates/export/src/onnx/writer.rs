//! The ONNX graph under construction.

use super::proto::*;
use crate::ExportError;
use nasmyth_engine::ParamStore;
use nasmyth_graph::{Fact, Node, NodeId, VerifiedGraph};
use std::collections::{HashMap, HashSet};

const FLOAT: i32 = 1;
pub(super) const INT64: i32 = 7;

/// Collects nodes and constants while the graph's operators are translated one by one.
///
/// A value `[s.., c]` of the graph is `[N, c, s..]` in ONNX.
pub(super) struct Writer<'g> {
    pub(super) graph: &'g VerifiedGraph,
    params: &'g ParamStore<f32>,
    consumers: Vec<Vec<NodeId>>,
    values: Vec<String>,
    names: HashSet<String>,
    channels_last: HashMap<String, String>,
    pub(super) nodes: Vec<NodeProto>,
    pub(super) constants: Vec<TensorProto>,
}

impl<'g> Writer<'g> {
    pub(super) fn new(graph: &'g VerifiedGraph, params: &'g ParamStore<f32>) -> Self {
        let outputs = (0..graph.outputs().len()).map(output_name);
        Self {
            graph,
            params,
            consumers: graph.consumers(),
            values: Vec::new(),
            names: outputs.chain(["input".to_owned()]).collect(),
            channels_last: HashMap::new(),
            nodes: Vec::new(),
            constants: Vec::new(),
        }
    }

    /// The node of this id.
    pub(super) fn node(&self, id: NodeId) -> &'g Node {
        self.graph.node(id)
    }

    /// Name of the ONNX value that holds the node's output.
    pub(super) fn value(&self, id: NodeId) -> &str {
        &self.values[id.0]
    }

    /// Name of the ONNX value of the node's input `i`.
    pub(super) fn input(&self, id: NodeId, i: usize) -> String {
        self.values[self.node(id).inputs[i].0].clone()
    }

    /// Shape of the node's input `i`.
    pub(super) fn input_fact(&self, id: NodeId, i: usize) -> &'g Fact {
        self.graph.fact(self.node(id).inputs[i])
    }

    /// Records where the output of the next node is found.
    pub(super) fn bind(&mut self, value: String) {
        self.values.push(value);
    }

    /// Who reads the node's output, if it is one node and the output is not the graph's.
    pub(super) fn only_consumer(&self, id: NodeId) -> Option<NodeId> {
        match self.consumers[id.0].as_slice() {
            [only] if !self.graph.outputs().contains(&id) => Some(*only),
            _ => None,
        }
    }

    /// The parameter `name` of a node.
    pub(super) fn param(&self, id: NodeId, name: &str) -> Result<&'g [f32], ExportError> {
        let key = format!("{}.{name}", self.node(id).name);
        let values = self.params.get(&key).ok_or_else(|| ExportError::MissingParam { key: key.clone() })?;
        let specs = self.graph.params_of(id);
        match specs.into_iter().find(|s| s.name == name) {
            Some(spec) if spec.len() != values.len() => {
                let got = vec![values.len()];
                Err(ExportError::ParamShape { key, expected: spec.shape, got })
            }
            _ => Ok(values),
        }
    }

    /// `wanted`, or the first of `wanted_2`, `wanted_3` .. that is free.
    fn unique(&mut self, wanted: &str) -> String {
        let numbered = |n: usize| if n == 1 { wanted.to_owned() } else { format!("{wanted}_{n}") };
        let mut n = 1;
        while !self.names.insert(numbered(n)) {
            n += 1;
        }
        numbered(n)
    }

    /// Adds an operator for `id`; returns the name of its output.
    pub(super) fn push(
        &mut self,
        id: NodeId,
        op_type: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let output = self.unique(&self.node(id).name.clone());
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&i| i.to_owned()).collect(),
            output: vec![output.clone()],
            name: Some(output.clone()),
            op_type: Some(op_type.to_owned()),
            attribute: attributes,
        });
        output
    }

    /// Adds float constants as `NODE.NAME`; returns their name.
    pub(super) fn floats(&mut self, id: NodeId, name: &str, dims: &[usize], values: &[f32]) -> String {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(id, name, dims, FLOAT, raw)
    }

    /// Adds whole-number constants as `NODE.NAME`; returns their name.
    pub(super) fn ints(&mut self, id: NodeId, name: &str, values: &[i64]) -> String {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(id, name, &[values.len()], INT64, raw)
    }

    /// Adds one float without axes.
    pub(super) fn scalar(&mut self, id: NodeId, name: &str, value: f32) -> String {
        self.floats(id, name, &[], &[value])
    }

    fn constant(&mut self, id: NodeId, name: &str, dims: &[usize], data_type: i32, raw: Vec<u8>) -> String {
        let name = self.unique(&format!("{}.{name}", self.node(id).name));
        self.constants.push(TensorProto {
            dims: dims.iter().map(|&d| d as i64).collect(),
            data_type: Some(data_type),
            name: Some(name.clone()),
            raw_data: Some(raw),
        });
        name
    }

    /// A constant per channel that broadcasts over a value of `fact`: `[c, 1..]`.
    pub(super) fn per_channel(&mut self, id: NodeId, name: &str, fact: &Fact, values: &[f32]) -> String {
        let ones = fact.spatial().iter().map(|_| 1);
        let dims: Vec<usize> = [fact.channels()].into_iter().chain(ones).collect();
        self.floats(id, name, &dims, values)
    }

    /// The same value under other axes; `dims` without the batch.
    pub(super) fn reshape(&mut self, id: NodeId, value: &str, dims: &[usize]) -> String {
        let dims: Vec<i64> = [0].into_iter().chain(dims.iter().map(|&d| d as i64)).collect();
        let dims = self.ints(id, "shape", &dims);
        self.push(id, "Reshape", &[value, &dims], Vec::new())
    }

    /// A value of `fact` as `[N, s.., c]`.
    pub(super) fn as_channels_last(&mut self, id: NodeId, value: &str, fact: &Fact) -> String {
        if let Some(known) = self.channels_last.get(value) {
            return known.clone();
        }
        let rank = fact.shape().len() as i64;
        let order = [0].into_iter().chain(2..=rank).chain([1]).collect();
        self.push(id, "Transpose", &[value], vec![ints("perm", order)])
    }

    /// A value `[N, s.., c]` of `fact` as `[N, c, s..]`.
    pub(super) fn as_channels_first(&mut self, id: NodeId, value: &str, fact: &Fact) -> String {
        let rank = fact.shape().len() as i64;
        let order = [0, rank].into_iter().chain(1..rank).collect();
        let first = self.push(id, "Transpose", &[value], vec![ints("perm", order)]);
        self.channels_last.insert(first.clone(), value.to_owned());
        first
    }

    /// The node's input `i` as `[N, s.., c]`.
    pub(super) fn input_channels_last(&mut self, id: NodeId, i: usize) -> String {
        let (x, fact) = (self.input(id, i), self.input_fact(id, i));
        if fact.spatial().is_empty() { x } else { self.as_channels_last(id, &x, fact) }
    }

    /// The node's output, given as `[N, s.., c]`.
    pub(super) fn output_channels_first(&mut self, id: NodeId, y: String) -> String {
        let fact = &self.node(id).fact;
        if fact.spatial().is_empty() { y } else { self.as_channels_first(id, &y, fact) }
    }

    /// Makes `output`, `output_1` .. of the graph's outputs: renames the value where it is the work of one node and
    /// nothing else reads it, else copies it.
    pub(super) fn finish(&mut self) -> Vec<ValueInfoProto> {
        let graph = self.graph;
        let info = |(i, id): (usize, &NodeId)| {
            let (from, to) = (self.value(*id).to_owned(), output_name(i));
            self.nodes.push(identity(&from, &to));
            value_info(&to, &channels_first_dims(graph.fact(*id)))
        };
        let outputs = graph.outputs().iter().enumerate().map(info).collect();
        self.prune();
        self.inline_identities();
        outputs
    }

    /// Removes nodes and constants that no output needs.
    fn prune(&mut self) {
        let mut live: HashSet<String> = (0..self.graph.outputs().len()).map(output_name).collect();
        let mut keep = vec![false; self.nodes.len()];
        for (node, keep) in self.nodes.iter().zip(&mut keep).rev() {
            *keep = node.output.iter().any(|o| live.contains(o));
            if *keep {
                live.extend(node.input.iter().cloned());
            }
        }
        let mut keep = keep.into_iter();
        self.nodes.retain(|_| keep.next().unwrap_or(true));
        self.constants.retain(|c| c.name.as_ref().is_some_and(|n| live.contains(n)));
    }

    /// Lets the node before a final copy write the output itself, where the copy is its only reader.
    fn inline_identities(&mut self) {
        for i in (0..self.nodes.len())
            .filter(|&i| self.nodes[i].op_type.as_deref() == Some("Identity"))
            .rev()
            .collect::<Vec<_>>()
        {
            let (from, to) = (self.nodes[i].input[0].clone(), self.nodes[i].output[0].clone());
            let readers = self.nodes.iter().flat_map(|n| &n.input).filter(|&v| *v == from).count();
            let maker = self.nodes.iter_mut().find(|n| n.output[0] == from);
            if let (Some(maker), 1) = (maker, readers) {
                maker.output[0] = to;
                self.nodes.remove(i);
            }
        }
    }
}

/// Name of the graph's output `i`.
pub(super) fn output_name(i: usize) -> String {
    if i == 0 { "output".to_owned() } else { format!("output_{i}") }
}

fn identity(from: &str, to: &str) -> NodeProto {
    NodeProto {
        input: vec![from.to_owned()],
        output: vec![to.to_owned()],
        name: Some(to.to_owned()),
        op_type: Some("Identity".to_owned()),
        attribute: Vec::new(),
    }
}

/// `[c, s..]` of a value `[s.., c]`.
pub(super) fn channels_first_dims(fact: &Fact) -> Vec<usize> {
    [&[fact.channels()], fact.spatial()].concat()
}

/// Float32 value `[N, dims..]`.
pub(super) fn value_info(name: &str, dims: &[usize]) -> ValueInfoProto {
    let batch = DimensionProto { dim_value: None, dim_param: Some("N".to_owned()) };
    let size = |&d: &usize| DimensionProto { dim_value: Some(d as i64), dim_param: None };
    let shape = TensorShapeProto { dim: [batch].into_iter().chain(dims.iter().map(size)).collect() };
    let tensor = TensorTypeProto { elem_type: Some(FLOAT), shape: Some(shape) };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

/// An attribute that is a whole number.
pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), i: Some(value), r#type: Some(2), ..Default::default() }
}

/// An attribute that is a real number.
pub(super) fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        f: Some(value as f32),
        r#type: Some(1),
        ..Default::default()
    }
}

/// An attribute that is a text.
pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        s: Some(value.as_bytes().to_vec()),
        r#type: Some(3),
        ..Default::default()
    }
}

/// An attribute that is a list of whole numbers.
pub(super) fn ints(name: &str, values: Vec<i64>) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), ints: values, r#type: Some(7), ..Default::default() }
}

/// Sizes as an attribute.
pub(super) fn sizes(name: &str, values: &[usize]) -> AttributeProto {
    ints(name, values.iter().map(|&v| v as i64).collect())
}
