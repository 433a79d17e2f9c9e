//! The families, one per file. [`FAMILIES`] is the only list of them.

mod bert;
mod convnext;
mod cspnet;
mod darts;
mod densenet;
mod efficientnet;
mod efficientnet_v2;
mod elan;
mod enet;
mod fbnet;
mod fbnet_space;
mod fbnet_v3;
mod fractalnet;
mod gcresnet;
mod genet;
mod ghostnet;
mod hardcorenas;
mod hat;
mod mcunet;
mod mixnet;
mod mnasnet;
mod mobilenet_v2;
mod mobilenet_v3;
mod mobilenet_v4;
mod mobileone;
mod nasbench201;
mod nest;
mod once_for_all;
mod proxylessnas;
mod rdnet;
mod regnet;
mod repvgg;
mod resnet;
mod resnetrs;
mod resnext;
mod rexnet;
mod seresnet;
mod shufflenet_v2;
mod simplenet;
mod spnasnet;
mod starnet;
mod tinynet;
mod tresnet;
mod vanillanet;
mod vgg;
mod vit;
mod vovnet;
mod xception;

pub use efficientnet::efficientnet;
pub use regnet::{RegNet, regnet};
pub use rexnet::rexnet;
pub use tinynet::tinynet;

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
    &mobilenet_v2::FAMILY,
    &mobilenet_v3::FAMILY,
    &mobilenet_v4::FAMILY,
    &mnasnet::FAMILY,
    &spnasnet::FAMILY,
    &proxylessnas::FAMILY,
    &once_for_all::FAMILY,
    &mcunet::FAMILY,
    &fbnet::FAMILY,
    &fbnet_space::FAMILY,
    &fbnet_v3::FAMILY,
    &hardcorenas::FAMILY,
    &efficientnet::FAMILY,
    &efficientnet_v2::FAMILY,
    &tinynet::FAMILY,
    &mixnet::FAMILY,
    &rexnet::FAMILY,
    &ghostnet::FAMILY,
    &shufflenet_v2::FAMILY,
    &starnet::FAMILY,
    &fractalnet::FAMILY,
    &vit::VIT,
    &vit::DEIT,
    &nest::FAMILY,
    &darts::FAMILY,
    &nasbench201::FAMILY,
    &bert::FAMILY,
    &hat::FAMILY,
];
