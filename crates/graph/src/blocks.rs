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

/// What the layers of one network have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// Activation.
    pub act: Function,
    /// Batch norm.
    pub norm: BatchNorm,
    /// Where convolutions get their zeros.
    pub padding: Padding,
}

/// Where a convolution gets its zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// As the convolution says; [`Conv::same`] takes as many before as after.
    Own,
    /// As TensorFlow pads: [`Conv::padded_for`] the value at hand.
    TensorFlow,
}

impl From<Function> for Style {
    /// The usual batch norm and padding.
    fn from(act: Function) -> Self {
        Self { act, norm: BatchNorm::default(), padding: Padding::Own }
    }
}

impl Style {
    /// The convolution in this padding.
    pub fn conv(&self, g: &mut Graph, x: NodeId, conv: Conv) -> Result<NodeId, GraphError> {
        let conv = match self.padding {
            Padding::Own => conv,
            Padding::TensorFlow => conv.padded_for(g.fact(x)),
        };
        g.push(conv, &[x])
    }

    /// Convolution and batch norm.
    pub fn conv_bn(&self, g: &mut Graph, x: NodeId, conv: Conv) -> Result<NodeId, GraphError> {
        let y = self.conv(g, x, conv)?;
        g.push(self.norm.clone(), &[y])
    }

    /// Convolution, batch norm and activation.
    pub fn conv_bn_act(&self, g: &mut Graph, x: NodeId, conv: Conv) -> Result<NodeId, GraphError> {
        let y = self.conv_bn(g, x, conv)?;
        g.push(Activation(self.act), &[y])
    }
}

/// Squeeze-excitation of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Squeeze {
    /// Hidden width.
    pub hidden: usize,
    /// Activation of the hidden layer.
    pub act: Function,
    /// What makes gates of the answer.
    pub gate: Function,
}

impl Squeeze {
    /// [`squeeze_excitation`] of `x`.
    pub fn apply(&self, g: &mut Graph, x: NodeId) -> Result<NodeId, GraphError> {
        squeeze_excitation(g, x, self.hidden, self.act, self.gate)
    }
}

/// Parameters of an [`inverted_residual`] and of its fused form.
#[derive(Clone, Debug, PartialEq)]
pub struct InvertedResidual {
    /// Output channels.
    pub out: usize,
    /// Window, one entry per spatial axis.
    pub kernel: Vec<usize>,
    /// Step of the window.
    pub stride: usize,
    /// Channels of the middle.
    pub middle: usize,
    /// Whether a 1x1 convolution leads to the middle; without one it has the channels of the input.
    pub expand: bool,
    /// Squeeze-excitation of the middle.
    pub squeeze: Option<Squeeze>,
    /// Activation, batch norm and padding.
    pub style: Style,
    /// Whether the input is added where shapes agree.
    pub shortcut: bool,
}

impl InvertedResidual {
    /// A middle `expansion` times as wide as the input (1 leaves the first convolution out), stride 1, ReLU, no squeeze-excitation.
    pub fn new(inputs: usize, expansion: usize, out: usize, kernel: &[usize]) -> Self {
        Self {
            out,
            kernel: kernel.to_vec(),
            stride: 1,
            middle: inputs * expansion,
            expand: expansion != 1,
            squeeze: None,
            style: Function::Relu.into(),
            shortcut: true,
        }
    }

    /// The same with another stride.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// The same with another activation.
    pub fn act(mut self, act: Function) -> Self {
        self.style.act = act;
        self
    }

    /// The same with squeeze-excitation to this share of the middle (0 for none), ReLU and hard sigmoid (Howard et al. 2019).
    pub fn squeeze(self, share: f64) -> Self {
        let hidden = ((self.middle as f64 * share).round() as usize).max(1);
        let squeeze = Squeeze { hidden, act: Function::Relu, gate: Function::HardSigmoid };
        Self { squeeze: (share > 0.0).then_some(squeeze), ..self }
    }
}

/// Inverted residual with linear bottleneck (Sandler et al. 2018, table 1): 1x1 expansion, depthwise, optional
/// squeeze-excitation, 1x1 projection without activation; a shortcut where shapes agree. Without expansion: a depthwise separable
/// convolution.
pub fn inverted_residual(g: &mut Graph, x: NodeId, block: &InvertedResidual) -> Result<NodeId, GraphError> {
    let (style, ones) = (&block.style, vec![1; block.kernel.len()]);
    let mut y = x;
    if block.expand {
        y = style.conv_bn_act(g, y, Conv::same(block.middle, &ones))?;
    }
    let depthwise = Conv::same(block.middle, &block.kernel).stride(block.stride).groups(block.middle);
    y = style.conv_bn_act(g, y, depthwise)?;
    if let Some(squeeze) = &block.squeeze {
        y = squeeze.apply(g, y)?;
    }
    y = style.conv_bn(g, y, Conv::same(block.out, &ones))?;
    shortcut(g, x, y, block.shortcut)
}

/// Fused inverted residual (Tan and Le 2021, figure 2): a full convolution to the middle, squeeze-excitation, 1x1 projection
/// without activation. Without expansion: one full convolution with activation.
pub fn fused_inverted_residual(
    g: &mut Graph,
    x: NodeId,
    block: &InvertedResidual,
) -> Result<NodeId, GraphError> {
    let style = &block.style;
    let middle = if block.expand { block.middle } else { block.out };
    let full = Conv::same(middle, &block.kernel).stride(block.stride);
    let mut y = style.conv_bn_act(g, x, full)?;
    if let Some(squeeze) = &block.squeeze {
        y = squeeze.apply(g, y)?;
    }
    if block.expand {
        y = style.conv_bn(g, y, Conv::same(block.out, &vec![1; block.kernel.len()]))?;
    }
    shortcut(g, x, y, block.shortcut)
}

fn shortcut(g: &mut Graph, x: NodeId, y: NodeId, wanted: bool) -> Result<NodeId, GraphError> {
    if wanted && g.fact(y) == g.fact(x) { g.push(Add, &[x, y]) } else { Ok(y) }
}
