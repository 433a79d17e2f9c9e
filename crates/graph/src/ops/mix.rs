//! Weighted sum of values.

use crate::op::Role;
use crate::{Fact, Init, Op, OpError, OpKind, ParamSpec};
use std::sync::Arc;

/// Element-wise sum of one or more values of one shape, each times a weight of its own: the mixed operator of differentiable
/// search (Liu, Simonyan and Yang 2019, equation 2), given what the softmax came to. The weights begin equal, with sum 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix;

pub(super) const KIND: OpKind = OpKind {
    name: "mix",
    doc: "Element-wise sum of values, each times a learned weight.",
    parse: |_| Ok(Arc::new(Mix)),
    examples: || {
        vec![
            (Arc::new(Mix), vec![vec![3, 4], vec![3, 4]]),
            (Arc::new(Mix), vec![vec![5], vec![5], vec![5]]),
            (Arc::new(Mix), vec![vec![2, 3, 17]]),
        ]
    },
};

impl Op for Mix {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        match inputs {
            [first, rest @ ..] if rest.iter().all(|x| x == first) => Ok((*first).clone()),
            _ => Err(OpError::expected("one or more inputs of one shape", inputs)),
        }
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        let equal = Init::Constant(1.0 / inputs.len() as f64);
        vec![ParamSpec { name: "weight", shape: vec![inputs.len()], init: equal, role: Role::Bias }]
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
