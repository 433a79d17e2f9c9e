//! Another order of axes.

use crate::op::{fact, one};
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Axis `i` of the output is axis `order[i]` of the input; the batch is not counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Permute(pub Vec<usize>);

pub(super) const KIND: OpKind = OpKind {
    name: "permute",
    doc: "Another order of axes.",
    parse: |a| Ok(Arc::new(Permute(AttributeReader::required("order", a.sizes("order")?)?))),
    examples: || {
        vec![
            (Arc::new(Permute(vec![1, 0])), vec![vec![3, 4]]),
            (Arc::new(Permute(vec![1, 0, 2])), vec![vec![3, 2, 4]]),
            (Arc::new(Permute(vec![2, 0, 1])), vec![vec![3, 2, 4]]),
            (Arc::new(Permute(vec![0, 2, 1, 3])), vec![vec![2, 3, 2, 3]]),
            (Arc::new(Permute(vec![1, 3, 0, 4, 2])), vec![vec![2, 3, 1, 2, 2]]),
        ]
    },
};

impl Op for Permute {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("order", &self.0[..])
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let x = one(inputs)?;
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..x.shape().len()) {
            return Err(OpError::expected(format!("an order of the axes of {x:?}"), &self.0));
        }
        fact(&self.0.iter().map(|&axis| x.shape()[axis]).collect::<Vec<_>>())
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn is_identity(&self, _: &[&Fact]) -> bool {
        self.0.is_sorted()
    }
}
