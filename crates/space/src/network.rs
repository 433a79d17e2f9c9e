//! A network under construction, layer after layer, from raw values to the answer.

use crate::{Context, Shape, SpaceError};
use nasmyth_graph::ops::{
    Activation, Add, BatchNorm, Concat, Conv, Embedding, Function, GlobalPool, Linear, Pooling, Reshape,
    Slice, Standardize,
};
use nasmyth_graph::{Fact, Graph, GraphError, NodeId, Op, blocks};
use std::fmt::Display;

/// How the columns of a table become features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Learned features per category column; at least 1.
    pub embedding: usize,
    /// Learned features per number, `relu(w x + b)` each ("LR" of Gorishniy et al. 2022, section 3.3); 0 takes numbers as they
    /// are.
    pub numbers: usize,
}

impl Default for Columns {
    fn default() -> Self {
        Self { embedding: 4, numbers: 0 }
    }
}

/// A graph, the value that the next layer reads, and the data that the whole must fit.
#[derive(Clone, Debug)]
pub struct Network {
    /// The graph so far.
    pub graph: Graph,
    /// What the next layer reads.
    pub at: NodeId,
    outputs: usize,
    regression: bool,
}

impl Network {
    /// The input and its standardisation; the categories of a table become vectors.
    ///
    /// # Errors
    /// The context is not one that a network can exist for.
    pub fn begin(name: &str, context: &Context) -> Result<Self, SpaceError> {
        Self::begin_with(name, context, Columns::default())
    }

    /// The same, where the space says how columns become features (images and series have none).
    ///
    /// # Errors
    /// The context is not one that a network can exist for.
    pub fn begin_with(name: &str, context: &Context, columns: Columns) -> Result<Self, SpaceError> {
        context.check()?;
        let mut graph = Graph::new(name);
        let input = graph.input(&context.input)?;
        let at = match context.shape()? {
            Shape::Table => features(&mut graph, input, context, columns)?,
            _ => graph.push(Standardize { inverse: false }, &[input])?,
        };
        Ok(Self { graph, at, outputs: context.outputs, regression: context.regression })
    }

    /// Appends an operator.
    ///
    /// # Errors
    /// The operator does not fit the current value; so for all methods that append.
    pub fn push(&mut self, op: impl Op) -> Result<&mut Self, GraphError> {
        self.at = self.graph.push(op, &[self.at])?;
        Ok(self)
    }

    /// Appends whatever `layers` makes of the graph and the current value.
    pub fn with(
        &mut self,
        layers: impl FnOnce(&mut Graph, NodeId) -> Result<NodeId, GraphError>,
    ) -> Result<&mut Self, GraphError> {
        self.at = layers(&mut self.graph, self.at)?;
        Ok(self)
    }

    /// Appends layers in a scope: the names of their nodes begin with `name`, and do not depend on what stands outside. Layers
    /// that are at the same place in several networks of a space are to have the same names there, which is what networks share
    /// weights by.
    pub fn scope(
        &mut self,
        name: impl Display,
        layers: impl FnOnce(&mut Self) -> Result<(), SpaceError>,
    ) -> Result<&mut Self, SpaceError> {
        self.graph.enter(name);
        let result = layers(self);
        self.graph.leave();
        result.map(|()| self)
    }

    /// Appends a convolution, batch norm and, if given, an activation.
    pub fn conv_bn_act(&mut self, conv: Conv, act: Option<Function>) -> Result<&mut Self, GraphError> {
        self.with(|g, x| blocks::conv_bn_act(g, x, conv, act))
    }

    /// Appends an activation.
    pub fn activate(&mut self, act: Function) -> Result<&mut Self, GraphError> {
        self.push(Activation(act))
    }

    /// Shape of the current value.
    pub fn shape(&self) -> &Fact {
        self.graph.fact(self.at)
    }

    /// A window of this size along every spatial axis.
    pub fn window(&self, size: usize) -> Vec<usize> {
        vec![size; self.shape().spatial().len()]
    }

    /// Adds `from` to the current value: as it is where shapes agree, else through a 1x1 convolution (of a vector, a linear
    /// layer) with the stride that the layers since then had together, and a batch norm (He et al. 2016, section 3.3, option B).
    ///
    /// # Errors
    /// No whole stride leads from the one shape to the other.
    pub fn shortcut(&mut self, from: NodeId) -> Result<&mut Self, SpaceError> {
        let (x, y) = (self.graph.fact(from).clone(), self.shape().clone());
        let mut skip = from;
        if x != y {
            self.graph.enter("shortcut");
            let stride = strides(&x, &y).ok_or_else(|| SpaceError::Shape {
                expected: format!("a value of shape {x:?}, or one whose positions a stride makes of it"),
                got: format!("{y:?}"),
            })?;
            skip = match stride.is_empty() {
                true => self.graph.push(Linear { out: y.channels(), bias: false }, &[from])?,
                false => {
                    let ones = vec![1; stride.len()];
                    self.graph.push(Conv { stride, ..Conv::same(y.channels(), &ones) }, &[from])?
                }
            };
            skip = self.graph.push(BatchNorm::default(), &[skip])?;
            self.graph.leave();
        }
        self.at = self.graph.push(Add, &[self.at, skip])?;
        Ok(self)
    }

    /// The answer: global average pooling where there are positions left, a linear layer to the outputs, and for a regression
    /// back to raw units.
    pub fn finish(mut self) -> Result<Graph, SpaceError> {
        if !self.shape().spatial().is_empty() {
            self.push(GlobalPool(Pooling::Average))?;
        }
        self.scope("classifier", |net| {
            net.push(Linear::new(net.outputs))?;
            Ok(())
        })?;
        if self.regression {
            self.push(Standardize { inverse: true })?;
        }
        self.graph.output(self.at);
        Ok(self.graph)
    }
}

/// Numbers standardised, categories embedded, side by side.
fn features(g: &mut Graph, row: NodeId, context: &Context, columns: Columns) -> Result<NodeId, GraphError> {
    let all = g.fact(row).channels();
    let numbers = all - context.categories.len();
    if numbers == all {
        return standardised(g, row, columns.numbers);
    }
    let codes = g.push(Slice { start: numbers, end: all }, &[row])?;
    let codes =
        g.push(Embedding { cardinalities: context.categories.clone(), width: columns.embedding }, &[codes])?;
    if numbers == 0 {
        return Ok(codes);
    }
    let numbers = g.push(Slice { start: 0, end: numbers }, &[row])?;
    let numbers = standardised(g, numbers, columns.numbers)?;
    g.push(Concat, &[numbers, codes])
}

/// Numbers in standard units, each as `width` features of its own unless that is 0.
fn standardised(g: &mut Graph, x: NodeId, width: usize) -> Result<NodeId, GraphError> {
    let x = g.push(Standardize { inverse: false }, &[x])?;
    if width == 0 {
        return Ok(x);
    }
    // One group of a convolution over a single position for each number.
    let numbers = g.fact(x).channels();
    let x = g.push(Reshape(vec![1, numbers]), &[x])?;
    let x = g.push(Conv::same(numbers * width, &[1]).groups(numbers).with_bias(), &[x])?;
    let x = g.push(Activation(Function::Relu), &[x])?;
    blocks::flatten(g, x)
}

/// The stride of each axis that takes `x`'s positions to `y`'s under "same" padding.
fn strides(x: &Fact, y: &Fact) -> Option<Vec<usize>> {
    let stride = |(&from, &to): (&usize, &usize)| {
        let stride = from.div_ceil(to);
        (from.div_ceil(stride) == to).then_some(stride)
    };
    let agree = x.spatial().len() == y.spatial().len();
    agree.then(|| x.spatial().iter().zip(y.spatial()).map(stride).collect()).flatten()
}
