//! Layer normalisation (Ba et al. 2016).

use crate::op::one;
use crate::{Attributes, Fact, Op, OpError, OpKind, ParamSpec};
use std::sync::Arc;

/// `y = gamma (x - mean) / sqrt(var + eps) + beta` over the last axis of each position.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    /// Added to the variance.
    pub eps: f64,
}

impl Default for LayerNorm {
    fn default() -> Self {
        Self { eps: 1e-5 }
    }
}

pub(super) const KIND: OpKind = OpKind {
    name: "layer_norm",
    doc: "Normalises the last axis of each position.",
    parse: |a| Ok(Arc::new(LayerNorm { eps: a.float("eps")?.unwrap_or(1e-5) })),
    examples: || {
        vec![
            (Arc::new(LayerNorm::default()), vec![vec![3, 5]]),
            (Arc::new(LayerNorm::default()), vec![vec![6]]),
        ]
    },
};

impl Op for LayerNorm {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().unless_default("eps", self.eps, 1e-5)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        if self.eps <= 0.0 {
            return Err(OpError::expected("eps above 0", self.eps));
        }
        Ok(one(inputs)?.clone())
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        let c = inputs[0].channels();
        vec![ParamSpec::bias("gamma", c, 1.0), ParamSpec::bias("beta", c, 0.0)]
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
