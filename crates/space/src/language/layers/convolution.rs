//! Convolutions and the blocks made of them.

use super::{activation, flag, norm, norm_and_activation, number, out, positions, size, word};
use crate::language::attribute::{Attribute, Fallback};
use crate::language::layer::{LayerKind, Nested};
use crate::language::placed::Placed;
use crate::{Network, SpaceError};
use nasmyth_graph::blocks::{self, InvertedResidual};
use nasmyth_graph::ops::{Conv, Function};

const fn kernel() -> Attribute {
    size("kernel", 1, 255, Fallback::Size(3))
}

const fn stride() -> Attribute {
    size("stride", 1, 255, Fallback::Size(1))
}

const fn dilation() -> Attribute {
    size("dilation", 1, 255, Fallback::Size(1))
}

pub(super) const CONV: LayerKind = LayerKind {
    name: "conv",
    doc: "Convolution, padded so that only the stride changes the size.",
    attributes: &[
        out(),
        kernel(),
        stride(),
        dilation(),
        size("groups", 1, 65_536, Fallback::Size(1)),
        flag("bias", false),
        norm("none"),
        activation("none"),
    ],
    nested: Nested::None,
    lower: |layer, net| {
        let conv = Conv { bias: layer.flag("bias")?, ..window(layer, net, layer.size("out")?)? };
        net.push(conv.groups(layer.size("groups")?))?;
        norm_and_activation(layer, net)
    },
};

pub(super) const DEPTHWISE: LayerKind = LayerKind {
    name: "depthwise",
    doc: "Convolution of each channel on its own.",
    attributes: &[kernel(), stride(), dilation(), flag("bias", false), norm("none"), activation("none")],
    nested: Nested::None,
    lower: |layer, net| {
        let channels = net.shape().channels();
        let conv = Conv { bias: layer.flag("bias")?, ..window(layer, net, channels)? };
        net.push(conv.groups(channels))?;
        norm_and_activation(layer, net)
    },
};

pub(super) const SEPARABLE: LayerKind = LayerKind {
    name: "separable",
    doc: "Depthwise convolution, then a 1x1 convolution to `out` channels; norm and activation after both.",
    attributes: &[out(), kernel(), stride(), dilation(), norm("batch"), activation("relu")],
    nested: Nested::None,
    lower: |layer, net| {
        let channels = net.shape().channels();
        net.push(window(layer, net, channels)?.groups(channels))?;
        norm_and_activation(layer, net)?;
        net.push(Conv::same(layer.size("out")?, &net.window(1)))?;
        norm_and_activation(layer, net)
    },
};

pub(super) const INVERTED_RESIDUAL: LayerKind = LayerKind {
    name: "inverted_residual",
    doc: "1x1 expansion, depthwise convolution, squeeze-excitation unless 0, 1x1 projection, a shortcut where shapes agree.",
    attributes: &[
        out(),
        kernel(),
        stride(),
        size("expansion", 1, 64, Fallback::Size(4)),
        number("squeeze", 0.0, 1.0, Fallback::Number(0.0)),
        word("activation", super::FUNCTIONS_ONLY, Fallback::Word("relu")),
    ],
    nested: Nested::None,
    lower: |layer, net| {
        positions(net)?;
        let (expansion, kernel) = (layer.size("expansion")?, net.window(layer.size("kernel")?));
        let block = InvertedResidual::new(net.shape().channels(), expansion, layer.size("out")?, &kernel)
            .stride(layer.size("stride")?)
            .squeeze(layer.number("squeeze")?)
            .act(layer.function("activation")?.unwrap_or(Function::Relu));
        net.with(|g, x| blocks::inverted_residual(g, x, &block))?;
        Ok(())
    },
};

pub(super) const SQUEEZE_EXCITATION: LayerKind = LayerKind {
    name: "squeeze_excitation",
    doc: "Channels scaled by gates computed from their means; the hidden layer has `ratio` times the channels.",
    attributes: &[
        number("ratio", 0.0, 1.0, Fallback::Number(0.25)),
        word("activation", super::FUNCTIONS_ONLY, Fallback::Word("relu")),
        word("gate", &["sigmoid", "hard_sigmoid"], Fallback::Word("sigmoid")),
    ],
    nested: Nested::None,
    lower: |layer, net| {
        positions(net)?;
        let hidden = ((net.shape().channels() as f64 * layer.number("ratio")?).round() as usize).max(1);
        let act = layer.function("activation")?.unwrap_or(Function::Relu);
        let gate = layer.function("gate")?.unwrap_or(Function::Sigmoid);
        net.with(|g, x| blocks::squeeze_excitation(g, x, hidden, act, gate))?;
        Ok(())
    },
};

/// A convolution with the layer's kernel, stride and dilation.
fn window(layer: &Placed<'_>, net: &Network, out: usize) -> Result<Conv, SpaceError> {
    positions(net)?;
    let conv = Conv::same(out, &net.window(layer.size("kernel")?));
    Ok(conv.dilation(layer.size("dilation")?).stride(layer.size("stride")?))
}
