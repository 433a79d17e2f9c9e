//! Sum of values.

use crate::{Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Element-wise sum of two or more values of one shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Add;

pub(super) const KIND: OpKind = OpKind {
    name: "add",
    doc: "Element-wise sum of two or more values of one shape.",
    parse: |_| Ok(Arc::new(Add)),
    examples: || {
        vec![(Arc::new(Add), vec![vec![3, 4], vec![3, 4]]), (Arc::new(Add), vec![vec![5], vec![5], vec![5]])]
    },
};

impl Op for Add {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        match inputs {
            [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|x| x == first) => Ok((*first).clone()),
            _ => Err(OpError::expected("two or more inputs of one shape", inputs)),
        }
    }
    fn commutative(&self) -> bool {
        true
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
