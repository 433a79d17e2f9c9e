//! Part of a value.

use crate::op::{fact, one};
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Channels `start..end` of the last axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// First channel.
    pub start: usize,
    /// Channel after the last.
    pub end: usize,
}

pub(super) const KIND: OpKind = OpKind {
    name: "slice",
    doc: "A range of channels.",
    parse: |a| {
        Ok(Arc::new(Slice {
            start: AttributeReader::required("start", a.size("start")?)?,
            end: AttributeReader::required("end", a.size("end")?)?,
        }))
    },
    examples: || {
        vec![
            (Arc::new(Slice { start: 1, end: 3 }), vec![vec![3, 4]]),
            (Arc::new(Slice { start: 0, end: 2 }), vec![vec![5]]),
        ]
    },
};

impl Op for Slice {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("start", self.start).with("end", self.end)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let x = one(inputs)?;
        if self.start >= self.end || self.end > x.channels() {
            return Err(OpError::expected(
                format!("a non-empty range within 0..{}", x.channels()),
                self.start..self.end,
            ));
        }
        fact(&[x.spatial(), &[self.end - self.start]].concat())
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn is_identity(&self, inputs: &[&Fact]) -> bool {
        inputs.iter().all(|x| self.end - self.start == x.channels())
    }
}
