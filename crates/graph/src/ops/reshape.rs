//! The same values under another shape.

use crate::op::{fact, one};
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Reads the values (channels last, row major) as another shape of the same size.
#[derive(Clone, Debug, PartialEq)]
pub struct Reshape(pub Vec<usize>);

pub(super) const KIND: OpKind = OpKind {
    name: "reshape",
    doc: "The same values under another shape, e.g. flattened.",
    parse: |a| Ok(Arc::new(Reshape(AttributeReader::required("shape", a.sizes("shape")?)?))),
    examples: || {
        vec![
            (Arc::new(Reshape(vec![24])), vec![vec![3, 2, 4]]),
            (Arc::new(Reshape(vec![6, 2])), vec![vec![4, 3]]),
            (Arc::new(Reshape(vec![2, 3, 2])), vec![vec![12]]),
        ]
    },
};

impl Op for Reshape {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("shape", &self.0[..])
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let x = one(inputs)?;
        let y = fact(&self.0)?;
        if x.len() != y.len() {
            return Err(OpError::expected(format!("a shape of {} elements", x.len()), &self.0));
        }
        Ok(y)
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn is_identity(&self, inputs: &[&Fact]) -> bool {
        inputs.iter().all(|x| x.shape() == self.0)
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
