//! The families, one per file. [`FAMILIES`] is the only list of them.

mod convnext;
mod cspnet;
mod densenet;
mod efficientnet;
mod elan;
mod enet;
mod gcresnet;
mod genet;
mod mobileone;
mod rdnet;
mod regnet;
mod repvgg;
mod resnet;
mod resnetrs;
mod resnext;
mod seresnet;
mod simplenet;
mod tresnet;
mod vanillanet;
mod vgg;
mod vovnet;
mod xception;

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
    &vanillanet::FAMILY,
    &simplenet::FAMILY,
    &repvgg::FAMILY,
    &mobileone::FAMILY,
    &genet::FAMILY,
    &tresnet::FAMILY,
    &cspnet::FAMILY,
    &elan::FAMILY,
    &enet::FAMILY,
    &vovnet::FAMILY,
    &xception::FAMILY,
    &regnet::REGNETX,
    &regnet::REGNETY,
    &efficientnet::FAMILY,
];
