//! The operators of the language. [`LAYERS`] is the only list of them.

mod convolution;
mod elementwise;
mod linear;
mod pooling;
mod structure;

use super::attribute::{Attribute, Fallback, Kind};
use super::layer::LayerKind;
use super::placed::Placed;
use crate::{Network, SpaceError};
use nasmyth_graph::ops::{BatchNorm, LayerNorm};

/// Every `op`.
pub(crate) static LAYERS: &[LayerKind] = &[
    convolution::CONV,
    convolution::DEPTHWISE,
    convolution::SEPARABLE,
    convolution::INVERTED_RESIDUAL,
    convolution::SQUEEZE_EXCITATION,
    linear::LINEAR,
    linear::FLATTEN,
    pooling::POOL,
    pooling::GLOBAL_POOL,
    elementwise::BATCH_NORM,
    elementwise::LAYER_NORM,
    elementwise::ACTIVATION,
    elementwise::DROPOUT,
    elementwise::DROP_PATH,
    elementwise::SCALE,
    structure::RESIDUAL,
    structure::PARALLEL,
    structure::REPEAT,
    structure::CHOICE,
];

/// Activations, and none.
const FUNCTIONS: &[&str] = &[
    "none",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "silu",
    "gelu",
    "hard_sigmoid",
    "hard_swish",
    "sigmoid",
    "softplus",
    "tanh",
];

/// Activations alone.
const FUNCTIONS_ONLY: &[&str] = match FUNCTIONS {
    [_, functions @ ..] => functions,
    [] => &[],
};

const fn size(name: &'static str, low: i64, high: i64, default: Fallback) -> Attribute {
    Attribute { name, kind: Kind::Size(low, high), default }
}

const fn number(name: &'static str, low: f64, high: f64, default: Fallback) -> Attribute {
    Attribute { name, kind: Kind::Number(low, high), default }
}

const fn flag(name: &'static str, default: bool) -> Attribute {
    Attribute { name, kind: Kind::Flag, default: Fallback::Flag(default) }
}

const fn word(name: &'static str, words: &'static [&'static str], default: Fallback) -> Attribute {
    Attribute { name, kind: Kind::Word(words), default }
}

const fn out() -> Attribute {
    size("out", 1, 65_536, Fallback::Required)
}

const fn norm(default: &'static str) -> Attribute {
    word("norm", &["none", "batch", "layer"], Fallback::Word(default))
}

const fn activation(default: &'static str) -> Attribute {
    word("activation", FUNCTIONS, Fallback::Word(default))
}

/// Normalisation and activation as the attributes say.
fn norm_and_activation(layer: &Placed<'_>, net: &mut Network) -> Result<(), SpaceError> {
    match layer.word("norm")?.as_str() {
        "batch" => drop(net.push(BatchNorm::default())?),
        "layer" => drop(net.push(LayerNorm::default())?),
        _ => {}
    }
    if let Some(function) = layer.function("activation")? {
        net.activate(function)?;
    }
    Ok(())
}

/// An error unless the current value has positions.
fn positions(net: &Network) -> Result<(), SpaceError> {
    if net.shape().spatial().is_empty() {
        return Err(SpaceError::Shape {
            expected: "an image or a series (a value that has not been pooled or flattened)".to_owned(),
            got: format!("{:?}", net.shape()),
        });
    }
    Ok(())
}
