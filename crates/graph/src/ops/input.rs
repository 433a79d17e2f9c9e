//! Where the data comes in.

use crate::op::fact;
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// The input, of this shape without the batch axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Input(pub Vec<usize>);

pub(super) const KIND: OpKind = OpKind {
    name: "input",
    doc: "The data: raw values of one sample, channels last.",
    parse: |a| Ok(Arc::new(Input(AttributeReader::required("shape", a.sizes("shape")?)?))),
    examples: Vec::new,
};

impl Op for Input {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("shape", &self.0[..])
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        if !inputs.is_empty() {
            return Err(OpError(format!("expected no inputs, got {}", inputs.len())));
        }
        fact(&self.0)
    }
}
