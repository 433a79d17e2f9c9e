//! Learned vectors for positions.

use crate::op::one;
use crate::{Fact, Op, OpError, OpKind, ParamSpec, Role};
use std::sync::Arc;

/// `y = x + weight`, one learned number for each element of a sample, so that positions differ (Dosovitskiy et al. 2021,
/// section 3.1). Trained without weight decay.
#[derive(Clone, Debug, PartialEq)]
pub struct PositionEmbedding;

pub(super) const KIND: OpKind = OpKind {
    name: "position_embedding",
    doc: "Adds a learned vector to each position.",
    parse: |_| Ok(Arc::new(PositionEmbedding)),
    examples: || {
        vec![
            (Arc::new(PositionEmbedding), vec![vec![3, 4]]),
            (Arc::new(PositionEmbedding), vec![vec![2, 3, 2]]),
        ]
    },
};

impl Op for PositionEmbedding {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        Ok(one(inputs)?.clone())
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        vec![ParamSpec::uniform("weight", inputs[0].shape(), 0.02, Role::Bias)]
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
