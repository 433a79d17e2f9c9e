//! Statistics of the training data, inside the network.

use crate::op::one;
use crate::{Attributes, Fact, Op, OpError, OpKind, ParamSpec};
use std::sync::Arc;

/// `y = (x - mean) / std` per channel, or with `inverse` `y = std x + mean`. Mean and standard deviation are buffers that
/// are set from the training data, so that a network takes raw values and answers in raw units.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardize {
    /// From standard units back to raw ones.
    pub inverse: bool,
}

pub(super) const KIND: OpKind = OpKind {
    name: "standardize",
    doc: "Raw values to zero mean and unit variance with the training data's statistics, or back.",
    parse: |a| Ok(Arc::new(Standardize { inverse: a.flag("inverse")?.unwrap_or(false) })),
    examples: || {
        vec![
            (Arc::new(Standardize { inverse: false }), vec![vec![3, 5]]),
            (Arc::new(Standardize { inverse: true }), vec![vec![2]]),
        ]
    },
};

impl Op for Standardize {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().unless_default("inverse", self.inverse, false)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        Ok(one(inputs)?.clone())
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        let c = inputs[0].channels();
        vec![ParamSpec::buffer("mean", c, 0.0), ParamSpec::buffer("std", c, 1.0)]
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
