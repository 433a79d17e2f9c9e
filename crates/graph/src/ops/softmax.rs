//! Softmax over the last axis.

use crate::op::one;
use crate::{Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// `exp(x_i) / sum_j exp(x_j)` over the last axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax;

pub(super) const KIND: OpKind = OpKind {
    name: "softmax",
    doc: "Probabilities over the last axis.",
    parse: |_| Ok(Arc::new(Softmax)),
    examples: || vec![(Arc::new(Softmax), vec![vec![5]]), (Arc::new(Softmax), vec![vec![3, 4]])],
};

impl Op for Softmax {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        Ok(one(inputs)?.clone())
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
