//! The families, one per file. [`FAMILIES`] is the only list of them.

mod efficientnet;
mod regnet;

pub use efficientnet::efficientnet;
pub use regnet::{RegNet, regnet};

use crate::Family;

/// Every family.
pub static FAMILIES: &[&Family] = &[&regnet::REGNETX, &regnet::REGNETY, &efficientnet::FAMILY];
