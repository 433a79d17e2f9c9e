//! From a union of networks and the options that are left of each choice to one graph.

use super::union::{Reader, Swap, Union, Vertex};
use crate::relaxed::mixed_kernel::MixedKernel;
use crate::relaxed::space::{Form, Mixture, RelaxedGraph, Term};
use nasmyth_graph::ops::{Add, BatchNorm, Mix, Zero};
use nasmyth_graph::{Graph, GraphError, NodeId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use thiserror::Error;

/// Which options take part, and how.
#[derive(Clone, Copy)]
pub(super) struct Plan<'a> {
    /// Options that are left of the choice at each place.
    pub kept: &'a [Vec<usize>],
    /// Number of the choice at each place in the mixtures; without one, the first option that is left stands alone.
    pub numbers: &'a [Option<usize>],
    /// How options are computed, where that is possible.
    pub form: Form,
}

/// Why choices cannot be mixed.
#[derive(Debug, Error)]
pub(super) enum Unsound {
    #[error("a value would be computed from itself")]
    Circle,
    #[error("a value may be nothing, and nothing else has its shape")]
    Nothing,
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// What stands at a place.
#[derive(Clone)]
pub(super) enum Value {
    Node(NodeId),
    /// A weighted sum; of nothing it is zero.
    Terms(Terms),
    Partial(Split),
}

pub(super) type Terms = Vec<(NodeId, Term)>;

/// Weighted sums of some of the channels, which go through options, and of the others, which go around them.
#[derive(Clone)]
pub(super) struct Split {
    pub through: Terms,
    pub around: Terms,
    /// A value of the shape of the first.
    pub like: NodeId,
}

/// A graph under construction.
pub(super) struct Assembly<'a> {
    pub union: &'a Union,
    pub plan: Plan<'a>,
    pub graph: Graph,
    built: HashMap<usize, Value>,
    /// Vertices on some of the channels, by the value that is divided.
    pub thin: HashMap<(usize, usize), NodeId>,
    pub slices: HashMap<(NodeId, usize, usize), NodeId>,
    /// Chains with a mixed kernel, by choice and the values of its options.
    pub with_kernels: HashMap<(usize, Vec<usize>), NodeId>,
    mixed: BTreeMap<Terms, NodeId>,
    /// What is being looked up, to find circles.
    open: BTreeSet<(Reader, usize)>,
    names: HashMap<String, usize>,
    pub made: RelaxedParts,
}

/// What a relaxed graph has beside its nodes.
#[derive(Default)]
pub(super) struct RelaxedParts {
    mixtures: Vec<Mixture>,
    pub kernels: Vec<MixedKernel>,
    fixed: Vec<String>,
    places: BTreeMap<String, String>,
}

/// The graph of the options that are left.
pub(super) fn assemble(union: &Union, plan: Plan<'_>) -> Result<RelaxedGraph, Unsound> {
    let mut assembly = Assembly {
        union,
        plan,
        graph: Graph::new("relaxed"),
        built: HashMap::new(),
        thin: HashMap::new(),
        slices: HashMap::new(),
        with_kernels: HashMap::new(),
        mixed: BTreeMap::new(),
        open: BTreeSet::new(),
        names: HashMap::new(),
        made: RelaxedParts::default(),
    };
    let output = assembly.node(Reader::Output, union.output)?;
    let Assembly { mut graph, made: RelaxedParts { mixtures, kernels, fixed, places }, .. } = assembly;
    graph.output(output);
    Ok(RelaxedGraph { graph: graph.verify()?, mixtures, kernels, fixed, places })
}

impl Assembly<'_> {
    /// What a reader finds where the base assignment has `vertex`.
    fn value(&mut self, reader: Reader, vertex: usize) -> Result<Value, Unsound> {
        if !self.open.insert((reader, vertex)) {
            return Err(Unsound::Circle);
        }
        let union = self.union;
        let swaps: Vec<&Swap> = union.swaps(reader, vertex).collect();
        let value = self.chosen(reader, vertex, &swaps);
        self.open.remove(&(reader, vertex));
        value
    }

    /// The options of the outermost choice, each with the inner choices in it.
    fn chosen(&mut self, reader: Reader, vertex: usize, swaps: &[&Swap]) -> Result<Value, Unsound> {
        let Some((swap, inner)) = swaps.split_first() else { return self.vertex(vertex) };
        let kept = &self.plan.kept[swap.choice];
        let option = |this: &mut Self, o: usize| match swap.others.get(&o) {
            None => this.chosen(reader, vertex, inner),
            Some(None) => Ok(Value::Terms(Vec::new())),
            Some(&Some(other)) => this.value(reader, other),
        };
        let Some(choice) = self.plan.numbers[swap.choice] else { return option(self, kept[0]) };
        if let Some(split) = self.partial(reader, vertex, swaps, choice)? {
            return Ok(Value::Partial(split));
        }
        if let Some(node) = self.kernels(reader, vertex, swaps, choice)? {
            return Ok(Value::Node(node));
        }
        let mut terms = Vec::new();
        for &o in kept {
            match option(self, o)? {
                Value::Terms(none) if none.is_empty() => {}
                value => terms.push((self.single(value, vertex)?, Term::Option { choice, option: o })),
            }
        }
        Ok(Value::Terms(terms))
    }

    /// What a vertex computes of what it finds.
    fn vertex(&mut self, vertex: usize) -> Result<Value, Unsound> {
        if let Some(built) = self.built.get(&vertex) {
            return Ok(built.clone());
        }
        let union = self.union;
        let v = &union.vertices[vertex];
        let value = if v.is::<Add>() {
            self.sum(vertex, &v.inputs)?
        } else {
            let mut inputs = Vec::with_capacity(v.inputs.len());
            for (slot, &input) in v.inputs.iter().enumerate() {
                inputs.push(self.node(Reader::Input(vertex, slot), input)?);
            }
            let name = self.layer(vertex);
            Value::Node(self.graph.add(name, v.op.clone(), &inputs)?)
        };
        self.built.insert(vertex, value.clone());
        Ok(value)
    }

    /// Terms of mixtures and of the sum itself are one sum.
    fn sum(&mut self, vertex: usize, inputs: &[usize]) -> Result<Value, Unsound> {
        let (mut plain, mut terms, mut split) = (Vec::new(), Vec::new(), None);
        for (slot, &input) in inputs.iter().enumerate() {
            match self.value(Reader::Input(vertex, slot), input)? {
                Value::Node(node) => plain.push(node),
                Value::Terms(own) => terms.extend(own),
                Value::Partial(own) => match &mut split {
                    None => split = Some(own),
                    Some(Split { through, around, .. }) => {
                        through.extend(own.through);
                        around.extend(own.around);
                    }
                },
            }
        }
        match split {
            None if plain.is_empty() => return Ok(Value::Terms(terms)),
            None => {}
            Some(split) if plain.is_empty() && terms.is_empty() => return Ok(Value::Partial(split)),
            Some(split) => plain.push(self.single(Value::Partial(split), vertex)?),
        }
        if !terms.is_empty() {
            plain.push(self.single(Value::Terms(terms), vertex)?);
        }
        if let [only] = plain[..] {
            return Ok(Value::Node(only));
        }
        let name = self.name(&self.union.vertices[vertex].place);
        Ok(Value::Node(self.graph.add(name, Arc::new(Add), &plain)?))
    }

    /// What a reader finds, as one node.
    pub fn node(&mut self, reader: Reader, vertex: usize) -> Result<NodeId, Unsound> {
        let value = self.value(reader, vertex)?;
        self.single(value, vertex)
    }

    /// A value as one node, of the shape of `vertex`.
    fn single(&mut self, value: Value, vertex: usize) -> Result<NodeId, Unsound> {
        match value {
            Value::Node(node) => Ok(node),
            Value::Terms(terms) if terms.is_empty() => self.zero(vertex),
            Value::Terms(terms) => self.mixture(terms, vertex),
            Value::Partial(split) => self.united(split, vertex),
        }
    }

    /// The weighted sum of these terms, which stands for `vertex`.
    pub fn mixture(&mut self, terms: Terms, vertex: usize) -> Result<NodeId, Unsound> {
        if let Some(&node) = self.mixed.get(&terms) {
            return Ok(node);
        }
        let name = self.name(&format!("{}.mix", self.union.vertices[vertex].place));
        let (inputs, of): (Vec<NodeId>, Vec<Term>) = terms.iter().copied().unzip();
        self.made.mixtures.push(Mixture { key: format!("{name}.weight"), terms: of });
        let node = self.graph.add(name, Arc::new(Mix), &inputs)?;
        self.mixed.insert(terms, node);
        Ok(node)
    }

    /// Zeros, made of any value of that shape.
    fn zero(&mut self, vertex: usize) -> Result<NodeId, Unsound> {
        let v = &self.union.vertices[vertex];
        let like = self.graph.nodes().iter().position(|node| node.fact == v.fact);
        let like = like.map_or_else(|| self.first_of_shape(vertex), |node| Ok(NodeId(node)))?;
        let name = self.name(&format!("{}.zero", v.place));
        Ok(self.graph.add(name, Arc::new(Zero), &[like])?)
    }

    /// A value of the shape of `vertex` that no choice does away with.
    fn first_of_shape(&mut self, vertex: usize) -> Result<NodeId, Unsound> {
        let union = self.union;
        let mut vertices = union.vertices.iter().enumerate();
        let stays = |(i, v): (usize, &Vertex)| {
            (v.fact == union.vertices[vertex].fact && !v.is::<Add>() && !v.is::<Zero>() && !union.optional(i))
                .then_some(i)
        };
        let first = vertices.find_map(stays).ok_or(Unsound::Nothing)?;
        if !self.open.insert((Reader::Output, first)) {
            return Err(Unsound::Nothing);
        }
        let value = self.vertex(first);
        self.open.remove(&(Reader::Output, first));
        match value? {
            Value::Node(node) => Ok(node),
            Value::Terms(_) | Value::Partial(_) => Err(Unsound::Nothing),
        }
    }

    /// A name for a node of a vertex. The scales of options stay as they are.
    pub fn layer(&mut self, vertex: usize) -> String {
        let v = &self.union.vertices[vertex];
        let name = self.name(&v.place);
        if self.union.optional(vertex) && v.is::<BatchNorm>() {
            self.made.fixed.extend(["gamma", "beta"].map(|p| format!("{name}.{p}")));
        }
        name
    }

    /// A name for a node at a place, which several nodes may stand at.
    fn name(&mut self, place: &str) -> String {
        let before = self.names.entry(place.to_owned()).or_default();
        *before += 1;
        if *before == 1 {
            return place.to_owned();
        }
        let name = format!("{place}~{before}");
        self.made.places.insert(name.clone(), place.to_owned());
        name
    }
}
