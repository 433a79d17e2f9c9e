//! What weighs or shifts the channels by the whole image.

use crate::{Net, ZooError, make_divisible};
use nasmyth_graph::NodeId;
use nasmyth_graph::blocks::squeeze_excitation;
use nasmyth_graph::ops::{Add, Conv, Function, LayerNorm, Linear, MatMul, Mul, Reshape, Softmax};

/// Attention to channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Attention {
    /// Squeeze-excitation (Hu et al. 2018) with a sigmoid; its hidden width is this share of the channels, rounded to a
    /// multiple of the divisor.
    Squeeze {
        /// Share of the channels.
        share: f64,
        /// Divisor of the hidden width.
        divisor: usize,
        /// Activation of the hidden layer.
        act: Function,
    },
    /// Effective squeeze-excitation (Lee and Park 2020, section 3.2): one linear layer, and a hard sigmoid.
    Effective,
    /// The global context block (Cao et al. 2019, section 3.3); its hidden width is this share of the channels.
    Context {
        /// Share of the channels.
        share: f64,
    },
}

impl Attention {
    /// Squeeze-excitation with ReLU in multiples of 8; none for a share of 0.
    pub fn squeeze(share: f64) -> Option<Self> {
        (share > 0.0).then_some(Self::Squeeze { share, divisor: 8, act: Function::Relu })
    }

    /// The same with another activation.
    pub fn act(self, act: Function) -> Self {
        match self {
            Self::Squeeze { share, divisor, .. } => Self::Squeeze { share, divisor, act },
            other => other,
        }
    }

    /// Appends it.
    pub fn apply(self, net: &mut Net) -> Result<NodeId, ZooError> {
        let channels = net.channels() as f64;
        match self {
            Self::Squeeze { share, divisor, act } => {
                let hidden = make_divisible(channels * share, divisor, 0.0);
                Ok(net.with(|g, x| squeeze_excitation(g, x, hidden, act, Function::Sigmoid))?)
            }
            Self::Effective => effective(net),
            Self::Context { share } => context(net, make_divisible(channels * share, 1, 0.0)),
        }
    }
}

fn effective(net: &mut Net) -> Result<NodeId, ZooError> {
    let (x, channels) = (net.at, net.channels());
    net.global_average()?;
    net.push(Linear::new(channels))?;
    let gate = net.activate(Function::HardSigmoid)?;
    Ok(net.join(Mul, &[x, gate])?)
}

/// Positions are averaged with learned weights; two linear layers make of that what is added to every position.
fn context(net: &mut Net, hidden: usize) -> Result<NodeId, ZooError> {
    let (x, channels) = (net.at, net.channels());
    let positions: usize = net.shape().spatial().iter().product();
    net.push(Conv::same(1, &[1, 1]).with_bias())?;
    net.push(Reshape(vec![1, positions]))?;
    let weights = net.push(Softmax)?;
    net.at = x;
    let values = net.push(Reshape(vec![positions, channels]))?;
    net.join(MatMul::default(), &[weights, values])?;
    net.push(Reshape(vec![channels]))?;
    net.push(Linear::new(hidden))?;
    net.push(LayerNorm { eps: 1e-6 })?;
    net.activate(Function::Relu)?;
    let shift = net.push(Linear::new(channels))?;
    Ok(net.join(Add, &[x, shift])?)
}
