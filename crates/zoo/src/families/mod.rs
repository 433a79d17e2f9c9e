//! The families, one per file. [`FAMILIES`] is the only list of them.

mod convnext;
mod densenet;
mod efficientnet;
mod gcresnet;
mod rdnet;
mod regnet;
mod resnet;
mod resnetrs;
mod resnext;
mod seresnet;
mod vgg;

pub use efficientnet::efficientnet;
pub use regnet::{RegNet, regnet};

use crate::Family;

/// Every family.
pub static FAMILIES: &[&Family] = &[
    &resnet::RESNET,
    &resnet::WIDE_RESNET,
    &resnext::FAMILY,
    &seresnet::FAMILY,
    &gcresnet::FAMILY,
    &resnetrs::FAMILY,
    &densenet::FAMILY,
    &rdnet::FAMILY,
    &vgg::FAMILY,
    &convnext::FAMILY,
    &regnet::REGNETX,
    &regnet::REGNETY,
    &efficientnet::FAMILY,
];
