//! Product of two values.

use crate::{Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Element-wise product of a value and one of the same shape, or of a value `[.., c]` and a gate `[c]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mul;

pub(super) const KIND: OpKind = OpKind {
    name: "mul",
    doc: "Element-wise product of two values of one shape, or of a value and a per-channel gate.",
    parse: |_| Ok(Arc::new(Mul)),
    examples: || {
        vec![(Arc::new(Mul), vec![vec![3, 4], vec![3, 4]]), (Arc::new(Mul), vec![vec![3, 2, 4], vec![4]])]
    },
};

impl Op for Mul {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        match inputs {
            [x, gate] if x == gate || gate.shape() == [x.channels()] => Ok((*x).clone()),
            _ => Err(OpError::expected("two inputs: a value and one of its shape or `[channels]`", inputs)),
        }
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn in_place(&self, input: usize, _: &[&Fact], _: &Fact) -> bool {
        input == 0
    }
}
