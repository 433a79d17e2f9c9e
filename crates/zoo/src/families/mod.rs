//! The families, one per file. [`FAMILIES`] is the only list of them.

mod bert;
mod darts;
mod efficientnet;
mod hat;
mod nasbench201;
mod nest;
mod regnet;
mod vit;

pub use efficientnet::efficientnet;
pub use regnet::{RegNet, regnet};

use crate::Family;

/// Every family.
pub static FAMILIES: &[&Family] = &[
    &regnet::REGNETX,
    &regnet::REGNETY,
    &efficientnet::FAMILY,
    &vit::VIT,
    &vit::DEIT,
    &nest::FAMILY,
    &darts::FAMILY,
    &nasbench201::FAMILY,
    &bert::FAMILY,
    &hat::FAMILY,
];
