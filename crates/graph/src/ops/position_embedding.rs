//! Learned vectors for positions.

use crate::op::{fact, one};
use crate::{Attributes, Fact, Op, OpError, OpKind, ParamSpec, Role};
use std::sync::Arc;

/// `y = x + weight`, one learned number for each element of a sample, so that positions differ (Dosovitskiy et al. 2021,
/// section 3.1). The weight has the shape of `x`, or more rows, of which the first are used: a model of longer sequences
/// (Devlin et al. 2019). Trained without weight decay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PositionEmbedding {
    /// Size of the weight's first axis, where that is not the input's.
    pub rows: Option<usize>,
}

impl PositionEmbedding {
    fn weight(&self, x: &Fact) -> Vec<usize> {
        let mut shape = x.shape().to_vec();
        shape[0] = self.rows.unwrap_or(shape[0]);
        shape
    }
}

pub(super) const KIND: OpKind = OpKind {
    name: "position_embedding",
    doc: "Adds a learned vector to each position.",
    parse: |a| Ok(Arc::new(PositionEmbedding { rows: a.size("rows")? })),
    examples: || {
        vec![
            (Arc::new(PositionEmbedding::default()), vec![vec![3, 4]]),
            (Arc::new(PositionEmbedding::default()), vec![vec![2, 3, 2]]),
            (Arc::new(PositionEmbedding { rows: Some(5) }), vec![vec![3, 4]]),
        ]
    },
};

impl Op for PositionEmbedding {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        self.rows.map_or(Attributes::new(), |rows| Attributes::new().with("rows", rows))
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let x = one(inputs)?;
        let weight = fact(&self.weight(x))?;
        if weight.shape()[0] < x.shape()[0] {
            return Err(OpError::expected(format!("rows for all of {x:?}"), self.rows));
        }
        Ok(x.clone())
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        vec![ParamSpec::uniform("weight", &self.weight(inputs[0]), 0.02, Role::Bias)]
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
