//! Learned tokens before those of the sample.

use crate::op::{fact, one};
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind, ParamSpec, Role};
use std::sync::Arc;

/// `[n, c]` to `[count + n, c]`: learned rows, then the input (Dosovitskiy et al. 2021, equation 1; two with distillation:
/// Touvron et al. 2021, section 4). Trained without weight decay.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassToken {
    /// Rows added.
    pub count: usize,
}

pub(super) const KIND: OpKind = OpKind {
    name: "class_token",
    doc: "Puts learned tokens before those of the sample.",
    parse: |a| Ok(Arc::new(ClassToken { count: AttributeReader::required("count", a.size("count")?)? })),
    examples: || {
        vec![
            (Arc::new(ClassToken { count: 1 }), vec![vec![3, 4]]),
            (Arc::new(ClassToken { count: 2 }), vec![vec![1, 3]]),
        ]
    },
};

impl Op for ClassToken {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("count", self.count)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        match (one(inputs)?.shape(), self.count) {
            (&[n, c], 1..) => fact(&[n.saturating_add(self.count), c]),
            _ => Err(OpError(format!(
                "expected tokens `[n, c]` and a count of at least 1, got {inputs:?} and {}",
                self.count
            ))),
        }
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        vec![ParamSpec::uniform("weight", &[self.count, inputs[0].channels()], 0.02, Role::Bias)]
    }
}
