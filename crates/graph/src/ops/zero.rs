//! Nothing at all.

use crate::op::one;
use crate::{Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Zeros of the input's shape: what a cell without any connection computes ("none" of NAS-Bench-201).
#[derive(Clone, Debug, PartialEq)]
pub struct Zero;

pub(super) const KIND: OpKind = OpKind {
    name: "zero",
    doc: "Zeros of the input's shape.",
    parse: |_| Ok(Arc::new(Zero)),
    examples: || vec![(Arc::new(Zero), vec![vec![3, 5]])],
};

impl Op for Zero {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        Ok(one(inputs)?.clone())
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
