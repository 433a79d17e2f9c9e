//! Operators that keep the shape.

use super::{FUNCTIONS, number, word};
use crate::language::attribute::{Attribute, Fallback};
use crate::language::layer::{LayerKind, Nested};
use nasmyth_graph::ops::{BatchNorm, DropPath, Dropout, LayerNorm, Scale};

const fn rate() -> Attribute {
    number("rate", 0.0, 0.99, Fallback::Required)
}

pub(super) const BATCH_NORM: LayerKind = LayerKind {
    name: "batch_norm",
    doc: "Normalises each channel over the batch.",
    attributes: &[],
    nested: Nested::None,
    lower: |_, net| {
        net.push(BatchNorm::default())?;
        Ok(())
    },
};

pub(super) const LAYER_NORM: LayerKind = LayerKind {
    name: "layer_norm",
    doc: "Normalises the channels of each position.",
    attributes: &[],
    nested: Nested::None,
    lower: |_, net| {
        net.push(LayerNorm::default())?;
        Ok(())
    },
};

pub(super) const ACTIVATION: LayerKind = LayerKind {
    name: "activation",
    doc: "Element-wise function.",
    attributes: &[word("function", FUNCTIONS, Fallback::Required)],
    nested: Nested::None,
    lower: |layer, net| {
        if let Some(function) = layer.function("function")? {
            net.activate(function)?;
        }
        Ok(())
    },
};

pub(super) const DROPOUT: LayerKind = LayerKind {
    name: "dropout",
    doc: "Zeroes random elements in training; rate 0 is no layer.",
    attributes: &[rate()],
    nested: Nested::None,
    lower: |layer, net| {
        let rate = layer.number("rate")?;
        if rate > 0.0 {
            net.push(Dropout { rate })?;
        }
        Ok(())
    },
};

pub(super) const DROP_PATH: LayerKind = LayerKind {
    name: "drop_path",
    doc: "Zeroes whole samples in training, at the end of a residual body (stochastic depth); rate 0 is no layer.",
    attributes: &[rate()],
    nested: Nested::None,
    lower: |layer, net| {
        let rate = layer.number("rate")?;
        if rate > 0.0 {
            net.push(DropPath { rate })?;
        }
        Ok(())
    },
};

pub(super) const SCALE: LayerKind = LayerKind {
    name: "scale",
    doc: "A learned factor for each channel.",
    attributes: &[number("init", -1e3, 1e3, Fallback::Number(1.0))],
    nested: Nested::None,
    lower: |layer, net| {
        net.push(Scale { init: layer.number("init")? })?;
        Ok(())
    },
};
