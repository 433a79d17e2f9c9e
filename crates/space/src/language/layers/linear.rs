//! Matrix products, and the way to them.

use super::{activation, flag, norm, norm_and_activation, out};
use crate::language::layer::{LayerKind, Nested};
use nasmyth_graph::blocks;
use nasmyth_graph::ops::Linear;

pub(super) const LINEAR: LayerKind = LayerKind {
    name: "linear",
    doc: "Fully connected layer over the last axis (of an image or a series, at each position).",
    attributes: &[out(), flag("bias", true), norm("none"), activation("none")],
    nested: Nested::None,
    lower: |layer, net| {
        net.push(Linear { out: layer.size("out")?, bias: layer.flag("bias")? })?;
        norm_and_activation(layer, net)
    },
};

pub(super) const FLATTEN: LayerKind = LayerKind {
    name: "flatten",
    doc: "All positions and channels as one vector.",
    attributes: &[],
    nested: Nested::None,
    lower: |_, net| {
        net.with(blocks::flatten)?;
        Ok(())
    },
};
