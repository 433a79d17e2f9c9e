//! Numbers, first and last layers that the families share.

use crate::{Knob, Net, Numbers, ZooError};
use nasmyth_graph::blocks::Padding;
use nasmyth_graph::ops::Linear;

/// Factor of all channels.
pub(crate) const WIDTH: Knob =
    Knob::real("width", "factor of all channels", "1.0", (0.05, 8.0), &[0.25, 0.35, 0.5, 0.75, 1.0, 1.2]);

/// Factor of the blocks of all stages.
pub(crate) const DEPTH: Knob =
    Knob::real("depth", "factor of the blocks of all stages", "1.0", (0.1, 8.0), &[0.5, 0.75, 1.0, 1.2]);

/// TensorFlow's layers pad strided convolutions at the end and have an epsilon of 1e-3.
pub(crate) const LAYERS: Knob = Knob::word(
    "layers",
    "whose padding and whose epsilon of batch norm",
    "pytorch",
    &["pytorch", "tensorflow"],
)
.fixed();

/// Sets the style of layers that [`LAYERS`] names.
pub(crate) fn set_layers(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    if numbers.word("layers")? == "tensorflow" {
        net.style.padding = Padding::TensorFlow;
        net.style.norm.eps = 1e-3;
    }
    Ok(())
}

/// The first layer: a 3x3 convolution with stride 2.
pub(crate) fn stem(net: &mut Net, channels: usize) -> Result<(), ZooError> {
    let stride = net.stride(2);
    net.scope("stem", |net| Ok(net.conv_bn_act(Net::window(channels, 3, stride))?))?;
    Ok(())
}

/// The last layers: a 1x1 convolution, the mean over all positions, the classifier.
pub(crate) fn conv_head(net: &mut Net, channels: usize) -> Result<(), ZooError> {
    net.scope("head", |net| {
        net.conv_bn_act(Net::window(channels, 1, 1))?;
        Ok(net.classifier()?)
    })?;
    Ok(())
}

/// What follows the hidden layer of [`pooled_head`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// The activation, after a bias.
    Bias,
    /// The activation alone.
    Plain,
    /// Batch norm and activation.
    Norm,
}

/// The last layers of MobileNetV3: the mean over all positions, a hidden layer, the classifier.
pub(crate) fn pooled_head(net: &mut Net, width: usize, hidden: Hidden) -> Result<(), ZooError> {
    net.scope("head", |net| {
        net.global_average()?;
        net.push(Linear { out: width, bias: hidden == Hidden::Bias })?;
        if hidden == Hidden::Norm {
            net.batch_norm()?;
        }
        net.act()?;
        Ok(net.classifier()?)
    })?;
    Ok(())
}
