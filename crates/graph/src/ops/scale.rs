//! Learned scale per channel.

use crate::op::one;
use crate::{Attributes, Fact, Op, OpError, OpKind, ParamSpec};
use std::sync::Arc;

/// `y = gamma x` per channel, learned, starting at `init` (LayerScale: Touvron et al. 2021, section 2).
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// First value of every scale.
    pub init: f64,
}

pub(super) const KIND: OpKind = OpKind {
    name: "scale",
    doc: "A learned scale per channel.",
    parse: |a| Ok(Arc::new(Scale { init: a.float("init")?.unwrap_or(1.0) })),
    examples: || vec![(Arc::new(Scale { init: 0.5 }), vec![vec![3, 5]])],
};

impl Op for Scale {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().unless_default("init", self.init, 1.0)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        Ok(one(inputs)?.clone())
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        vec![ParamSpec::bias("gamma", inputs[0].channels(), self.init)]
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
