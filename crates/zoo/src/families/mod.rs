//! The families, one per file. [`FAMILIES`] is the only list of them.

mod efficientnet;
mod gcresnet;
mod regnet;
mod resnet;
mod resnetrs;
mod resnext;
mod seresnet;

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
    &regnet::REGNETX,
    &regnet::REGNETY,
    &efficientnet::FAMILY,
];
