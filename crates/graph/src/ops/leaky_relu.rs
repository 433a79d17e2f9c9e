//! Leaky ReLU with a slope of one's own.

use crate::op::one;
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// `y = max(x, 0) + slope min(x, 0)` (Maas et al. 2013, equation 2). With the usual slope, 0.01, it is an
/// [`Activation`](super::Activation) too.
#[derive(Clone, Debug, PartialEq)]
pub struct LeakyRelu {
    /// Factor of negative values.
    pub slope: f64,
}

pub(super) const KIND: OpKind = OpKind {
    name: "leaky_relu",
    doc: "ReLU with a given slope for negative values.",
    parse: |a| Ok(Arc::new(LeakyRelu { slope: AttributeReader::required("slope", a.float("slope")?)? })),
    examples: || {
        vec![
            (Arc::new(LeakyRelu { slope: 1e-3 }), vec![vec![3, 5]]),
            (Arc::new(LeakyRelu { slope: 0.2 }), vec![vec![7]]),
        ]
    },
};

impl Op for LeakyRelu {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("slope", self.slope)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        if !self.slope.is_finite() {
            return Err(OpError::expected("a finite slope", self.slope));
        }
        Ok(one(inputs)?.clone())
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn is_identity(&self, _: &[&Fact]) -> bool {
        self.slope == 1.0
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
