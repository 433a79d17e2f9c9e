//! Joining values.

use crate::op::fact;
use crate::{Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Joins two or more values along the last axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Concat;

pub(super) const KIND: OpKind = OpKind {
    name: "concat",
    doc: "Joins values along the last axis.",
    parse: |_| Ok(Arc::new(Concat)),
    examples: || {
        vec![
            (Arc::new(Concat), vec![vec![3, 4], vec![3, 2]]),
            (Arc::new(Concat), vec![vec![5], vec![1], vec![2]]),
            (Arc::new(Concat), vec![vec![2, 3, 1], vec![2, 3, 2]]),
        ]
    },
};

impl Op for Concat {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let joined = inputs.iter().map(|x| x.channels()).sum();
        match inputs {
            [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|x| x.spatial() == first.spatial()) => {
                fact(&[first.spatial(), &[joined]].concat())
            }
            _ => Err(OpError::expected("two or more inputs that agree in all axes but the last", inputs)),
        }
    }
    fn keeps_zero(&self) -> bool {
        true
    }
}
