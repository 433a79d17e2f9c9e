//! Compositions that several spaces and families share, each written once.

use crate::ops::{Activation, Add, BatchNorm, Conv, Function, GlobalPool, Linear, Mul, Pooling, Reshape};
use crate::{Graph, GraphError, NodeId};

/// Convolution, batch norm and, if given, an activation.
pub fn conv_bn_act(
    g: &mut Graph,
    x: NodeId,
    conv: Conv,
    act: Option<Function>,
) -> Result<NodeId, GraphError> {
    let y = g.push(conv, &[x])?;
    let y = g.push(BatchNorm::default(), &[y])?;
    activate(g, y, act)
}

/// The activation, if there is one.
pub fn activate(g: &mut Graph, x: NodeId, act: Option<Function>) -> Result<NodeId, GraphError> {
    act.map_or(Ok(x), |f| g.push(Activation(f), &[x]))
}

/// All positions as one vector.
pub fn flatten(g: &mut Graph, x: NodeId) -> Result<NodeId, GraphError> {
    let len = g.fact(x).len();
    g.push(Reshape(vec![len]), &[x])
}

/// Squeeze-excitation (Hu et al. 2018, section 3): channels gated by `gate(W2 act(W1 mean(x)))`, `hidden` wide.
pub fn squeeze_excitation(
    g: &mut Graph,
    x: NodeId,
    hidden: usize,
    act: Function,
    gate: Function,
) -> Result<NodeId, GraphError> {
    let channels = g.fact(x).channels();
    let s = g.push(GlobalPool(Pooling::Average), &[x])?;
    let s = g.push(Linear::new(hidden), &[s])?;
    let s = g.push(Activation(act), &[s])?;
    let s = g.push(Linear::new(channels), &[s])?;
    let s = g.push(Activation(gate), &[s])?;
    g.push(Mul, &[x, s])
}

/// Parameters of an [`inverted_residual`].
#[derive(Clone, Debug)]
pub struct InvertedResidual {
    /// Output channels.
    pub out: usize,
    /// Window of the depthwise convolution, one entry per spatial axis.
    pub kernel: Vec<usize>,
    /// Step of the depthwise convolution.
    pub stride: usize,
    /// Width of the middle as a multiple of the input channels; 1 leaves the first 1x1 convolution out.
    pub expansion: usize,
    /// Squeeze-excitation's hidden width as a share of the middle; 0 for none.
    pub squeeze: f64,
    /// Activation after the first two convolutions.
    pub act: Function,
}

/// Inverted residual with linear bottleneck (Sandler et al. 2018, table 1): 1x1 expansion, depthwise, optional
/// squeeze-excitation, 1x1 projection without activation; a shortcut where shapes agree.
pub fn inverted_residual(g: &mut Graph, x: NodeId, block: &InvertedResidual) -> Result<NodeId, GraphError> {
    let ones = vec![1; block.kernel.len()];
    let middle = g.fact(x).channels() * block.expansion;
    let mut y = x;
    if block.expansion != 1 {
        y = conv_bn_act(g, y, Conv::same(middle, &ones), Some(block.act))?;
    }
    let depthwise = Conv::same(middle, &block.kernel).stride(block.stride).groups(middle);
    y = conv_bn_act(g, y, depthwise, Some(block.act))?;
    if block.squeeze > 0.0 {
        let hidden = ((middle as f64 * block.squeeze).round() as usize).max(1);
        y = squeeze_excitation(g, y, hidden, Function::Relu, Function::HardSigmoid)?;
    }
    y = conv_bn_act(g, y, Conv::same(block.out, &ones), None)?;
    if g.fact(y) == g.fact(x) { g.push(Add, &[x, y]) } else { Ok(y) }
}
