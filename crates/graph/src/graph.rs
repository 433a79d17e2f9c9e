//! Graph and its verified form.

use crate::ops::Input;
use crate::{Fact, GraphError, Op, ParamSpec, passes};
use std::collections::{HashMap, HashSet};
use std::fmt::{Display, Write};
use std::ops::Deref;
use std::sync::Arc;

/// Index of a node; inputs always have smaller ids than their consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub usize);

/// An operator applied to values.
#[derive(Clone, Debug)]
pub struct Node {
    /// Unique name; addresses the node's parameters.
    pub name: String,
    /// What it computes.
    pub op: Arc<dyn Op>,
    /// Of what.
    pub inputs: Vec<NodeId>,
    /// Shape of its output.
    pub fact: Fact,
}

/// A graph under construction: every node added so far has a valid shape.
#[derive(Clone, Debug)]
pub struct Graph {
    name: String,
    nodes: Vec<Node>,
    outputs: Vec<NodeId>,
    /// Before the names that nodes get by themselves, e.g. `stage2.block1.`.
    scope: String,
    /// Length of `scope` before each scope that is open.
    open: Vec<usize>,
    /// Nodes so far of each scope.
    sizes: HashMap<String, usize>,
}

impl Graph {
    /// An empty graph.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            nodes: Vec::new(),
            outputs: Vec::new(),
            scope: String::new(),
            open: Vec::new(),
            sizes: HashMap::new(),
        }
    }

    /// Adds an input of this shape (without the batch axis).
    pub fn input(&mut self, shape: &[usize]) -> Result<NodeId, GraphError> {
        self.push(Input(shape.to_vec()), &[])
    }

    /// Opens a scope: nodes named by [`push`](Self::push) have `name.` before their names, until [`leave`](Self::leave).
    pub fn enter(&mut self, name: impl Display) {
        self.open.push(self.scope.len());
        let _ = write!(self.scope, "{name}."); // writing to a string does not fail
    }

    /// Closes the innermost scope.
    pub fn leave(&mut self) {
        self.scope.truncate(self.open.pop().unwrap_or(0));
    }

    /// Adds a node with a name of its own making: the scope, its kind, and how many nodes of the scope stand before it. So
    /// what stands in a scope has the same names whatever stands in others.
    pub fn push(&mut self, op: impl Op, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        let number = self.sizes.get(&self.scope).copied().unwrap_or(0);
        let name = format!("{}{}_{number}", self.scope, op.kind());
        self.add(name, Arc::new(op), inputs)
    }

    /// Adds a named node.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        op: Arc<dyn Op>,
        inputs: &[NodeId],
    ) -> Result<NodeId, GraphError> {
        let name = name.into();
        let unknown =
            |id: &NodeId| GraphError::UnknownInput { node: name.clone(), input: format!("#{}", id.0) };
        let facts: Vec<&Fact> = inputs
            .iter()
            .map(|id| Ok(&self.nodes.get(id.0).ok_or_else(|| unknown(id))?.fact))
            .collect::<Result<_, _>>()?;
        let fact = op.infer(&facts).map_err(|source| GraphError::Op {
            node: name.clone(),
            kind: op.kind().to_owned(),
            source,
        })?;
        Ok(self.push_node(Node { name, op, inputs: inputs.to_vec(), fact }))
    }

    /// Adds a node whose shape is already known.
    pub(crate) fn push_node(&mut self, node: Node) -> NodeId {
        let scope = node.name.rfind('.').map_or("", |dot| &node.name[..=dot]);
        match self.sizes.get_mut(scope) {
            Some(size) => *size += 1,
            None => drop(self.sizes.insert(scope.to_owned(), 1)),
        }
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    /// Marks a node as an output.
    pub fn output(&mut self, id: NodeId) {
        self.outputs.push(id);
    }

    /// Name of the graph.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All nodes, inputs before consumers.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Node by id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Shape of a node's output.
    pub fn fact(&self, id: NodeId) -> &Fact {
        &self.nodes[id.0].fact
    }

    /// Ids of the outputs.
    pub fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }

    /// Shapes of a node's inputs.
    pub fn input_facts(&self, id: NodeId) -> Vec<&Fact> {
        self.node(id).inputs.iter().map(|&i| self.fact(i)).collect()
    }

    /// Parameters of a node.
    pub fn params_of(&self, id: NodeId) -> Vec<ParamSpec> {
        self.node(id).op.params(&self.input_facts(id))
    }

    /// For each node, who reads it (once for each use).
    pub fn consumers(&self) -> Vec<Vec<NodeId>> {
        let mut consumers = vec![Vec::new(); self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|input| consumers[input.0].push(NodeId(i)));
        }
        consumers
    }

    /// Removes what no output needs and checks the whole: unique names, one live input, at least one output.
    pub fn verify(self) -> Result<VerifiedGraph, GraphError> {
        if self.outputs.is_empty() {
            return Err(GraphError::NoOutput(self.name));
        }
        if let Some(id) = self.outputs.iter().find(|id| id.0 >= self.nodes.len()) {
            return Err(GraphError::UnknownInput { node: "output".to_owned(), input: format!("#{}", id.0) });
        }
        let graph = passes::dead_code(&self);
        let mut names = HashSet::new();
        if let Some(twice) = graph.nodes.iter().find(|n| !names.insert(n.name.as_str())) {
            return Err(GraphError::DuplicateName(twice.name.clone()));
        }
        match graph.nodes.iter().filter(|n| n.op.downcast::<Input>().is_some()).count() {
            1 => Ok(VerifiedGraph(graph)),
            got => Err(GraphError::Inputs { graph: graph.name, got }),
        }
    }
}

/// A graph that passed [`Graph::verify`]: what engine, cost models and exporters demand.
#[derive(Clone, Debug)]
pub struct VerifiedGraph(Graph);

impl VerifiedGraph {
    /// What passes made of a verified graph. They keep names unique and remove nodes only for others that compute the same; all that
    /// is computed is computed from the input, so that stays.
    pub(crate) fn rewritten(graph: Graph) -> Self {
        Self(graph)
    }

    /// The graph again, to change it.
    pub fn into_graph(self) -> Graph {
        self.0
    }

    /// Id of the only input.
    pub fn input_id(&self) -> NodeId {
        let at = self.nodes().iter().position(|n| n.op.downcast::<Input>().is_some());
        NodeId(at.unwrap_or_default()) // verified: there is one
    }
}

impl Deref for VerifiedGraph {
    type Target = Graph;
    fn deref(&self) -> &Graph {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Activation, Function};

    #[test]
    fn scopes_stand_before_names_and_close_from_the_inside() {
        let mut g = Graph::new("g");
        let x = g.input(&[2]).unwrap();
        g.enter("stage1.block2");
        g.enter("gate");
        let a = g.push(Activation(Function::Relu), &[x]).unwrap();
        g.leave();
        let b = g.push(Activation(Function::Relu), &[a]).unwrap();
        g.leave();
        let c = g.push(Activation(Function::Relu), &[b]).unwrap();
        g.enter("stage1.block2");
        let d = g.push(Activation(Function::Relu), &[c]).unwrap();
        let names = [a, b, c, d].map(|id| g.node(id).name.as_str());
        let expected = [
            "stage1.block2.gate.activation_0",
            "stage1.block2.activation_0",
            "activation_1",
            "stage1.block2.activation_1",
        ];
        assert_eq!(names, expected);
    }
}
