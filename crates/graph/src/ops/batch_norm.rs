//! Batch normalisation (Ioffe and Szegedy 2015).

use crate::op::one;
use crate::{Attributes, Fact, Op, OpError, OpKind, ParamSpec};
use std::sync::Arc;

/// `y = gamma (x - mean) / sqrt(var + eps) + beta` per channel, over batch and space.
/// Running statistics follow `running += momentum (batch - running)`; the running variance is unbiased, as in PyTorch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f64,
    /// Weight of the newest batch in the running statistics.
    pub momentum: f64,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { eps: 1e-5, momentum: 0.1 }
    }
}

pub(super) const KIND: OpKind = OpKind {
    name: "batch_norm",
    doc: "Normalises each channel over the batch; running statistics at inference.",
    parse: |a| {
        let default = BatchNorm::default();
        Ok(Arc::new(BatchNorm {
            eps: a.float("eps")?.unwrap_or(default.eps),
            momentum: a.float("momentum")?.unwrap_or(default.momentum),
        }))
    },
    examples: || {
        vec![
            (Arc::new(BatchNorm::default()), vec![vec![3, 4, 5]]),
            (Arc::new(BatchNorm::default()), vec![vec![6]]),
        ]
    },
};

impl Op for BatchNorm {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        let default = Self::default();
        Attributes::new().unless_default("eps", self.eps, default.eps).unless_default(
            "momentum",
            self.momentum,
            default.momentum,
        )
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        if self.eps <= 0.0 || !(0.0..=1.0).contains(&self.momentum) {
            return Err(OpError::expected("eps above 0 and momentum in 0..=1", self));
        }
        Ok(one(inputs)?.clone())
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        let c = inputs[0].channels();
        vec![
            ParamSpec::bias("gamma", c, 1.0),
            ParamSpec::bias("beta", c, 0.0),
            ParamSpec::buffer("mean", c, 0.0),
            ParamSpec::buffer("variance", c, 1.0),
        ]
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
