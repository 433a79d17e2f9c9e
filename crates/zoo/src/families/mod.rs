//! The families, one per file. [`FAMILIES`] is the only list of them.

mod efficientnet;
mod efficientnet_v2;
mod fbnet;
mod fbnet_v3;
mod hardcorenas;
mod mixnet;
mod mnasnet;
mod mobilenet_v2;
mod mobilenet_v3;
mod regnet;
mod spnasnet;
mod tinynet;

pub use efficientnet::efficientnet;
pub use regnet::{RegNet, regnet};
pub use tinynet::tinynet;

use crate::Family;

/// Every family.
pub static FAMILIES: &[&Family] = &[
    &regnet::REGNETX,
    &regnet::REGNETY,
    &mobilenet_v2::FAMILY,
    &mobilenet_v3::FAMILY,
    &mnasnet::FAMILY,
    &spnasnet::FAMILY,
    &fbnet::FAMILY,
    &fbnet_v3::FAMILY,
    &hardcorenas::FAMILY,
    &efficientnet::FAMILY,
    &efficientnet_v2::FAMILY,
    &tinynet::FAMILY,
    &mixnet::FAMILY,
];
