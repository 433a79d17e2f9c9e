//! What ConvNeXt took from Vision Transformers.

use crate::{Net, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{Conv, Function, LayerNorm, Linear};

/// A convolution whose windows lie side by side, `size` wide, with a bias; where the size is to be kept, they overlap.
pub(crate) fn patches(net: &mut Net, out: usize, size: usize) -> Result<NodeId, ZooError> {
    let stride = net.stride(size);
    let conv = Net::window(out, size, stride).with_bias();
    let pad = if stride == size { vec![0; 4] } else { conv.pad.clone() };
    Ok(net.conv(Conv { pad, ..conv })?)
}

/// Depthwise `kernel` wide, layer norm, and a perceptron at each position: `inner` wide, GELU (Liu et al. 2022, figure 4).
pub(crate) fn depthwise_perceptron(
    net: &mut Net,
    kernel: usize,
    inner: usize,
    out: usize,
    norm: &LayerNorm,
) -> Result<NodeId, ZooError> {
    let channels = net.channels();
    net.conv(Net::window(channels, kernel, 1).groups(channels).with_bias())?;
    net.push(norm.clone())?;
    net.push(Linear::new(inner))?;
    net.activate(Function::Gelu)?;
    Ok(net.push(Linear::new(out))?)
}
