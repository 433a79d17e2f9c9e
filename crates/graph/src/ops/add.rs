//! Sum of values.

use crate::{Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Element-wise sum of two or more values of one shape; values `[channels]` among them are added at every position.
#[derive(Clone, Debug, PartialEq)]
pub struct Add;

pub(super) const KIND: OpKind = OpKind {
    name: "add",
    doc: "Element-wise sum of two or more values; a value `[channels]` is added at every position.",
    parse: |_| Ok(Arc::new(Add)),
    examples: || {
        vec![
            (Arc::new(Add), vec![vec![3, 4], vec![3, 4]]),
            (Arc::new(Add), vec![vec![5], vec![5], vec![5]]),
            (Arc::new(Add), vec![vec![3, 2, 4], vec![4]]),
            (Arc::new(Add), vec![vec![4], vec![3, 4], vec![3, 4], vec![4]]),
            (Arc::new(Add), vec![vec![1, 4], vec![4]]),
        ]
    },
};

impl Op for Add {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let fits = |x: &Fact, y: &Fact| x == y || x.shape() == [y.channels()];
        match inputs.iter().max_by_key(|x| x.shape().len()) {
            Some(y) if inputs.len() > 1 && inputs.iter().all(|x| fits(x, y)) => Ok((*y).clone()),
            _ => Err(OpError::expected("two or more inputs of one shape, or of it and `[channels]`", inputs)),
        }
    }
    fn commutative(&self) -> bool {
        true
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn in_place(&self, input: usize, inputs: &[&Fact], output: &Fact) -> bool {
        inputs[input].len() == output.len()
    }
}
