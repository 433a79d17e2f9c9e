//! A network under construction, layer after layer.

use crate::ZooError;
use nasmyth_graph::blocks::Style;
use nasmyth_graph::ops::{
    Activation, Add, BatchNorm, Conv, Function, GlobalPool, Linear, Permute, Pool, Pooling, Reshape,
};
use nasmyth_graph::{Fact, Graph, GraphError, NodeId, Op};

/// A graph, the value that the next layer reads, and the style of its layers.
#[derive(Clone, Debug)]
pub struct Net {
    /// The graph so far.
    pub graph: Graph,
    /// What the next layer reads.
    pub at: NodeId,
    /// Activation, batch norm and padding of [`conv`](Self::conv) and what is made of it.
    pub style: Style,
    outputs: usize,
    reduction: usize,
    kept: u32,
}

impl Net {
    /// Starts after `at`, for this number of answers. The first `kept` halvings of the size are left out: on small images the
    /// layers of large ones would see a single position.
    pub(crate) fn new(graph: Graph, at: NodeId, outputs: usize, kept: u32) -> Self {
        Self { graph, at, style: Function::Relu.into(), outputs, reduction: 1, kept }
    }

    /// How often the size was divided so far.
    pub fn reduction(&self) -> usize {
        self.reduction
    }

    /// Answers wanted.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The stride that the next layer of the trunk is to have where the paper has `stride`. Every reduction of the size goes
    /// through here, once for all branches.
    pub fn stride(&mut self, stride: usize) -> usize {
        let left_out = stride.trailing_zeros().min(self.kept);
        self.kept -= left_out;
        let stride = stride >> left_out;
        self.reduction *= stride;
        stride
    }

    /// Shape of the current value.
    pub fn shape(&self) -> &Fact {
        self.graph.fact(self.at)
    }

    /// Channels of the current value.
    pub fn channels(&self) -> usize {
        self.shape().channels()
    }

    /// Appends an operator; returns the new value. So do all that append.
    ///
    /// # Errors
    /// The operator does not fit the current value.
    pub fn push(&mut self, op: impl Op) -> Result<NodeId, GraphError> {
        self.at = self.graph.push(op, &[self.at])?;
        Ok(self.at)
    }

    /// Appends an operator of several values.
    pub fn join(&mut self, op: impl Op, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        self.at = self.graph.push(op, inputs)?;
        Ok(self.at)
    }

    /// Appends whatever `layers` makes of the graph and the current value.
    pub fn with(
        &mut self,
        layers: impl FnOnce(&mut Graph, NodeId) -> Result<NodeId, GraphError>,
    ) -> Result<NodeId, GraphError> {
        self.at = layers(&mut self.graph, self.at)?;
        Ok(self.at)
    }

    /// Appends layers whose names begin with `name`.
    pub fn scope<T>(
        &mut self,
        name: impl std::fmt::Display,
        layers: impl FnOnce(&mut Self) -> Result<T, ZooError>,
    ) -> Result<T, ZooError> {
        self.graph.enter(name);
        let result = layers(self);
        self.graph.leave();
        result
    }

    /// A square "same" convolution: `out` channels, `kernel` wide, no bias.
    pub fn window(out: usize, kernel: usize, stride: usize) -> Conv {
        Conv::same(out, &[kernel, kernel]).stride(stride)
    }

    /// Appends a convolution in the padding of the style.
    pub fn conv(&mut self, conv: Conv) -> Result<NodeId, GraphError> {
        self.at = self.style.conv(&mut self.graph, self.at, conv)?;
        Ok(self.at)
    }

    /// Appends a convolution and a batch norm.
    pub fn conv_bn(&mut self, conv: Conv) -> Result<NodeId, GraphError> {
        self.at = self.style.conv_bn(&mut self.graph, self.at, conv)?;
        Ok(self.at)
    }

    /// Appends a convolution, a batch norm and the activation of the style.
    pub fn conv_bn_act(&mut self, conv: Conv) -> Result<NodeId, GraphError> {
        self.at = self.style.conv_bn_act(&mut self.graph, self.at, conv)?;
        Ok(self.at)
    }

    /// Appends the batch norm of the style.
    pub fn batch_norm(&mut self) -> Result<NodeId, GraphError> {
        let norm: BatchNorm = self.style.norm.clone();
        self.push(norm)
    }

    /// Appends the activation of the style.
    pub fn act(&mut self) -> Result<NodeId, GraphError> {
        self.push(Activation(self.style.act))
    }

    /// Appends another activation.
    pub fn activate(&mut self, act: Function) -> Result<NodeId, GraphError> {
        self.push(Activation(act))
    }

    /// Adds `other` to the current value.
    pub fn add(&mut self, other: NodeId) -> Result<NodeId, GraphError> {
        self.join(Add, &[self.at, other])
    }

    /// Appends a maximum over 3x3 windows, padded by one (the stem of ResNet).
    pub fn max_pool3(&mut self, stride: usize) -> Result<NodeId, GraphError> {
        self.push(Pool { stride: vec![stride; 2], ..Pool::same(Pooling::Max, &[3, 3]) })
    }

    /// Takes the channels of `groups` equal groups in turn (Zhang et al. 2018, ShuffleNet, section 3.1).
    ///
    /// # Errors
    /// Channels that cannot be divided so. Values other than images stay as they are.
    pub fn shuffle(&mut self, groups: usize) -> Result<NodeId, GraphError> {
        let shape = self.shape().shape().to_vec();
        let &[height, width, channels] = &shape[..] else { return Ok(self.at) };
        self.push(Reshape(vec![height, width, groups, channels / groups]))?;
        self.push(Permute(vec![0, 1, 3, 2]))?;
        self.push(Reshape(shape))
    }

    /// Appends the mean over all positions.
    pub fn global_average(&mut self) -> Result<NodeId, GraphError> {
        self.push(GlobalPool(Pooling::Average))
    }

    /// Appends the linear layer to the answers, after the mean over all positions if there are any.
    pub fn classifier(&mut self) -> Result<NodeId, GraphError> {
        if !self.shape().spatial().is_empty() {
            self.global_average()?;
        }
        self.push(Linear::new(self.outputs))
    }
}
