//! Matrix product over the last axis.

use crate::op::{fact, one};
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind, ParamSpec};
use std::sync::Arc;

/// `y = x W + b` over the last axis; weight `[in, out]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Output features.
    pub out: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

impl Linear {
    /// With bias.
    pub fn new(out: usize) -> Self {
        Self { out, bias: true }
    }
}

pub(super) const KIND: OpKind = OpKind {
    name: "linear",
    doc: "Fully connected layer over the last axis.",
    parse: |a| {
        let out = AttributeReader::required("out", a.size("out")?)?;
        Ok(Arc::new(Linear { out, bias: a.flag("bias")?.unwrap_or(true) }))
    },
    examples: || {
        vec![
            (Arc::new(Linear::new(5)), vec![vec![7]]),
            (Arc::new(Linear { out: 3, bias: false }), vec![vec![4, 6]]),
        ]
    },
};

impl Op for Linear {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("out", self.out).unless_default("bias", self.bias, true)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let mut shape = one(inputs)?.shape().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = self.out;
        }
        fact(&shape)
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        let features = inputs[0].channels();
        let mut params = vec![ParamSpec::weight("weight", &[features, self.out], features)];
        params.extend(self.bias.then(|| ParamSpec::bias("bias", self.out, 0.0)));
        params
    }
    fn macs(&self, inputs: &[&Fact], output: &Fact) -> u64 {
        inputs[0].channels() as u64 * output.len() as u64
    }
    fn keeps_zero(&self) -> bool {
        !self.bias
    }
}
