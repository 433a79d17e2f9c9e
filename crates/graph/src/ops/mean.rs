//! Mean of values.

use crate::{Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Element-wise mean of one or more values of one shape. In training each value is left out of a sample's mean with
/// probability `drop`; if none would stay, one of them does, each with the same chance (local drop-path: Larsson et al. 2017,
/// section 3).
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// Probability that a value is left out.
    pub drop: f64,
}

pub(super) const KIND: OpKind = OpKind {
    name: "mean",
    doc: "Element-wise mean of values, in training of some of them (local drop-path).",
    parse: |a| Ok(Arc::new(Mean { drop: a.float("drop")?.unwrap_or(0.0) })),
    examples: || {
        vec![
            (Arc::new(Mean { drop: 0.0 }), vec![vec![3, 4], vec![3, 4]]),
            (Arc::new(Mean { drop: 0.5 }), vec![vec![2, 3], vec![2, 3], vec![2, 3]]),
            (Arc::new(Mean { drop: 0.0 }), vec![vec![5]]),
        ]
    },
};

impl Op for Mean {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().unless_default("drop", self.drop, 0.0)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        if !(0.0..1.0).contains(&self.drop) {
            return Err(OpError::expected("a probability `drop` in 0..1", self.drop));
        }
        match inputs {
            [first, rest @ ..] if rest.iter().all(|x| x == first) => Ok((*first).clone()),
            _ => Err(OpError::expected("one or more inputs of one shape", inputs)),
        }
    }
    fn commutative(&self) -> bool {
        true
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn is_identity(&self, inputs: &[&Fact]) -> bool {
        inputs.len() == 1
    }
    fn random(&self) -> bool {
        self.drop > 0.0
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
