//! The residual blocks of ResNet and its descendants.

use super::Attention;
use crate::{Net, ZooError};
use nasmyth_graph::ops::{BlurPool, Conv, Pool, Pooling};
use nasmyth_graph::{GraphError, NodeId};

/// How a layer halves the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halving {
    /// By the stride of its convolution.
    Stride,
    /// By a binomial filter after it (Zhang 2019).
    Blur,
    /// By the means of 2x2 windows after it.
    Average,
}

/// What leads past a block whose input has another shape than its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortcut {
    /// A 1x1 convolution with the stride.
    Conv,
    /// A 3x3 convolution where there is a stride, else 1x1.
    Conv3,
    /// The means of 2x2 windows, then a 1x1 convolution (He et al. 2019, figure 2c).
    Average,
}

/// Numbers of a residual block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Residual {
    /// Output channels.
    pub out: usize,
    /// Channels of the last 3x3 convolution's input.
    pub middle: usize,
    /// Output channels of the first convolution, if it is narrower than the middle.
    pub first: usize,
    /// Groups of the 3x3 convolution of a bottleneck.
    pub groups: usize,
    /// Stride, 1 or 2.
    pub stride: usize,
    /// How the size is halved.
    pub halving: Halving,
    /// Attention.
    pub attention: Option<Attention>,
    /// Whether it comes right after the 3x3 convolution instead of at the end of the branch.
    pub attention_inside: bool,
    /// The way past it.
    pub shortcut: Shortcut,
}

impl Residual {
    /// Neither groups, stride nor attention; a 1x1 convolution where shapes differ.
    pub fn new(out: usize, middle: usize) -> Self {
        Self {
            out,
            middle,
            first: middle,
            groups: 1,
            stride: 1,
            halving: Halving::Stride,
            attention: None,
            attention_inside: false,
            shortcut: Shortcut::Conv,
        }
    }

    fn attend(&self, net: &mut Net, inside: bool) -> Result<(), ZooError> {
        if let Some(attention) = self.attention.filter(|_| inside == self.attention_inside) {
            attention.apply(net)?;
        }
        Ok(())
    }

    /// Adds the shortcut to the branch, and activates.
    fn finish(&self, net: &mut Net, from: NodeId) -> Result<(), ZooError> {
        self.attend(net, false)?;
        let branch = std::mem::replace(&mut net.at, from);
        if net.channels() != self.out || self.stride != 1 {
            let conv = match self.shortcut {
                Shortcut::Conv3 if self.stride != 1 => Net::window(self.out, 3, self.stride),
                Shortcut::Conv | Shortcut::Conv3 => Net::window(self.out, 1, self.stride),
                Shortcut::Average => Net::window(self.out, 1, 1),
            };
            if self.shortcut == Shortcut::Average && self.stride != 1 {
                mean_of_halves(net)?;
            }
            net.conv_bn(conv)?;
        }
        net.add(branch)?;
        net.act()?;
        Ok(())
    }
}

impl Halving {
    /// Appends a convolution with batch norm and activation, and halves the size if `stride` is 2.
    pub fn conv_bn_act(self, net: &mut Net, conv: Conv, stride: usize) -> Result<(), GraphError> {
        match self {
            _ if stride == 1 => net.conv_bn_act(conv)?,
            Self::Stride => net.conv_bn_act(conv.stride(stride))?,
            Self::Blur | Self::Average => {
                net.conv_bn_act(conv)?;
                self.pool(net, stride)?
            }
        };
        Ok(())
    }

    /// Appends the pool that follows a layer, if any does.
    pub fn pool(self, net: &mut Net, stride: usize) -> Result<NodeId, GraphError> {
        match self {
            Self::Blur if stride != 1 => net.push(BlurPool { size: 3, stride }),
            Self::Average if stride != 1 => net.push(Pool::new(Pooling::Average, &[stride, stride])),
            _ => Ok(net.at),
        }
    }
}

/// Two 3x3 convolutions (He et al. 2016, figure 5, left).
pub(crate) fn basic(net: &mut Net, block: &Residual) -> Result<(), ZooError> {
    let from = net.at;
    block.halving.conv_bn_act(net, Net::window(block.first, 3, 1), block.stride)?;
    net.conv_bn(Net::window(block.out, 3, 1))?;
    block.finish(net, from)
}

/// 1x1, 3x3, 1x1 convolutions, the stride in the middle (He et al. 2016, figure 5, right; Goyal et al. 2017, section 5.1).
pub(crate) fn bottleneck(net: &mut Net, block: &Residual) -> Result<(), ZooError> {
    let from = net.at;
    net.conv_bn_act(Net::window(block.first, 1, 1))?;
    let conv = Net::window(block.middle, 3, 1).groups(block.groups);
    block.halving.conv_bn_act(net, conv, block.stride)?;
    block.attend(net, true)?;
    net.conv_bn(Net::window(block.out, 1, 1))?;
    block.finish(net, from)
}

/// Means of 2x2 windows; those of an odd size's last row and column are means of what is there.
pub(crate) fn mean_of_halves(net: &mut Net) -> Result<NodeId, GraphError> {
    let odd = net.shape().spatial().iter().map(|n| n % 2);
    let pad = [0, 0].into_iter().chain(odd).collect();
    net.push(Pool { pad, ..Pool::new(Pooling::Average, &[2, 2]) })
}
