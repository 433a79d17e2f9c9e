//! Compositions that several spaces and families share, each written once.

use crate::ops::{
    Activation, Add, BatchNorm, Concat, Conv, Function, GlobalPool, Linear, Mul, Pool, Pooling, Reshape,
    Scale, Slice,
};
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

    /// A convolution of each equal share of the channels, with a window of its own (MixConv: Tan and Le 2019, section 3). What
    /// does not divide goes to the first share.
    pub fn mixed(
        &self,
        g: &mut Graph,
        x: NodeId,
        out: usize,
        windows: &[Vec<usize>],
        conv: impl Fn(usize, &[usize]) -> Conv,
    ) -> Result<NodeId, GraphError> {
        if let [window] = windows {
            return self.conv(g, x, conv(out, window));
        }
        let share = |channels: usize, i: usize| match i {
            0 => channels - channels / windows.len() * (windows.len() - 1),
            _ => channels / windows.len(),
        };
        let (channels, mut start, mut shares) = (g.fact(x).channels(), 0, Vec::new());
        for (i, window) in windows.iter().enumerate() {
            let end = start + share(channels, i);
            let part = g.push(Slice { start, end }, &[x])?;
            shares.push(self.conv(g, part, conv(share(out, i), window))?);
            start = end;
        }
        g.push(Concat, &shares)
    }

    /// Convolution, batch norm and activation.
    pub fn conv_bn_act(&self, g: &mut Graph, x: NodeId, conv: Conv) -> Result<NodeId, GraphError> {
        let y = self.conv(g, x, conv)?;
        self.bn_act(g, y)
    }

    /// Batch norm and activation.
    pub fn bn_act(&self, g: &mut Graph, x: NodeId) -> Result<NodeId, GraphError> {
        let y = g.push(self.norm.clone(), &[x])?;
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
    /// Window of the middle, one entry per spatial axis; none: no convolution there.
    pub kernel: Vec<usize>,
    /// Window of a depthwise convolution before all others; none: no convolution there.
    pub start: Vec<usize>,
    /// How the convolutions are mixed, if they are.
    pub mix: Option<Mix>,
    /// Step of the window.
    pub stride: usize,
    /// Whether the step is left to the means of windows of its size, after the activation.
    pub average: bool,
    /// Channels of the middle.
    pub middle: usize,
    /// Whether a 1x1 convolution leads to the middle; without one it has the channels of the input.
    pub expand: bool,
    /// Squeeze-excitation of the middle.
    pub squeeze: Option<Squeeze>,
    /// Activation, batch norm and padding.
    pub style: Style,
    /// First value of a learned scale of the answer's channels, if there is one.
    pub scale: Option<f64>,
    /// Whether the input is added where shapes agree.
    pub shortcut: bool,
}

/// The windows of a mixed [`InvertedResidual`]: one for each share of the channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    /// Shares of the expansion.
    pub expand: usize,
    /// Windows of the middle.
    pub windows: Vec<Vec<usize>>,
    /// Shares of the projection.
    pub project: usize,
}

impl InvertedResidual {
    /// A middle `expansion` times as wide as the input (1 leaves the first convolution out), stride 1, ReLU, no squeeze-excitation.
    pub fn new(inputs: usize, expansion: usize, out: usize, kernel: &[usize]) -> Self {
        Self {
            out,
            kernel: kernel.to_vec(),
            start: Vec::new(),
            mix: None,
            stride: 1,
            average: false,
            middle: inputs * expansion,
            expand: expansion != 1,
            squeeze: None,
            style: Function::Relu.into(),
            scale: None,
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

    /// Step of the convolution that has it.
    fn step(&self) -> usize {
        if self.average { 1 } else { self.stride }
    }

    /// The means that have the step instead.
    fn averaged(&self, g: &mut Graph, x: NodeId) -> Result<NodeId, GraphError> {
        if !self.average || self.stride == 1 {
            return Ok(x);
        }
        let window = vec![self.stride; g.fact(x).spatial().len()];
        g.push(Pool::new(Pooling::Average, &window), &[x])
    }
}

/// Inverted residual with linear bottleneck (Sandler et al. 2018, table 1): 1x1 expansion, depthwise, optional
/// squeeze-excitation, 1x1 projection without activation; a shortcut where shapes agree. Without expansion: a depthwise separable
/// convolution. With a depthwise convolution before the expansion, or without the middle one: the universal inverted bottleneck
/// (Qin et al. 2024, section 4).
pub fn inverted_residual(g: &mut Graph, x: NodeId, block: &InvertedResidual) -> Result<NodeId, GraphError> {
    let (style, rank) = (&block.style, g.fact(x).spatial().len());
    let ones = |shares: usize| vec![vec![1; rank]; shares];
    let (expand, windows, project) = match &block.mix {
        Some(mix) => (ones(mix.expand), mix.windows.clone(), ones(mix.project)),
        None => (ones(1), vec![block.kernel.clone()], ones(1)),
    };
    let has_middle = windows.iter().all(|w| !w.is_empty());
    let mut y = x;
    if !block.start.is_empty() {
        let channels = g.fact(x).channels();
        let step = if has_middle { 1 } else { block.step() };
        y = style.conv_bn(g, y, Conv::same(channels, &block.start).stride(step).groups(channels))?;
        y = if has_middle { y } else { block.averaged(g, y)? };
    }
    if block.expand {
        y = style.mixed(g, y, block.middle, &expand, Conv::same)?;
        y = style.bn_act(g, y)?;
    }
    if has_middle {
        let depthwise = |c: usize, window: &[usize]| Conv::same(c, window).stride(block.step()).groups(c);
        y = style.mixed(g, y, block.middle, &windows, depthwise)?;
        y = style.bn_act(g, y)?;
        y = block.averaged(g, y)?;
    }
    if let Some(squeeze) = &block.squeeze {
        y = squeeze.apply(g, y)?;
    }
    y = style.mixed(g, y, block.out, &project, Conv::same)?;
    y = g.push(style.norm.clone(), &[y])?;
    finish(g, x, y, block)
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
    let full = Conv::same(middle, &block.kernel).stride(block.step());
    let mut y = style.conv_bn_act(g, x, full)?;
    y = block.averaged(g, y)?;
    if let Some(squeeze) = &block.squeeze {
        y = squeeze.apply(g, y)?;
    }
    if block.expand {
        y = style.conv_bn(g, y, Conv::same(block.out, &vec![1; block.kernel.len()]))?;
    }
    finish(g, x, y, block)
}

/// The learned scale and the shortcut, where there are any.
fn finish(g: &mut Graph, x: NodeId, y: NodeId, block: &InvertedResidual) -> Result<NodeId, GraphError> {
    let y = block.scale.map_or(Ok(y), |init| g.push(Scale { init }, &[y]))?;
    if block.shortcut && g.fact(y) == g.fact(x) { g.push(Add, &[x, y]) } else { Ok(y) }
}
