//! ReLU with a learned slope.

use crate::op::one;
use crate::{Fact, Op, OpError, OpKind, ParamSpec};
use std::sync::Arc;

/// `y = max(x, 0) + slope min(x, 0)` with a learned slope per channel that starts at 0.25 (He et al. 2015, equation 1).
#[derive(Clone, Debug, PartialEq)]
pub struct Prelu;

pub(super) const KIND: OpKind = OpKind {
    name: "prelu",
    doc: "ReLU with a learned slope per channel for negative values.",
    parse: |_| Ok(Arc::new(Prelu)),
    examples: || vec![(Arc::new(Prelu), vec![vec![3, 5]]), (Arc::new(Prelu), vec![vec![2, 3, 4]])],
};

impl Op for Prelu {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        Ok(one(inputs)?.clone())
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        vec![ParamSpec::bias("slope", inputs[0].channels(), 0.25)]
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
