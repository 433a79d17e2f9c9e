//! Pooling over all positions.

use super::Pooling;
use crate::op::{fact, one};
use crate::{Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// `[.., channels]` to `[channels]`: maximum or mean over all positions.
#[derive(Clone, Debug, PartialEq)]
pub struct GlobalPool(pub Pooling);

pub(super) const KIND: OpKind = OpKind {
    name: "global_pool",
    doc: "Maximum or average over all positions.",
    parse: |a| Ok(Arc::new(GlobalPool(Pooling::read(a)?))),
    examples: || {
        vec![
            (Arc::new(GlobalPool(Pooling::Average)), vec![vec![3, 4, 5]]),
            (Arc::new(GlobalPool(Pooling::Max)), vec![vec![6, 4]]),
            (Arc::new(GlobalPool(Pooling::Average)), vec![vec![6, 3]]),
        ]
    },
};

impl Op for GlobalPool {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("pooling", self.0.name())
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let x = one(inputs)?;
        if x.spatial().is_empty() {
            return Err(OpError::expected("an input with at least one spatial axis", x));
        }
        fact(&[x.channels()])
    }
    fn keeps_zero(&self) -> bool {
        true
    }
}
