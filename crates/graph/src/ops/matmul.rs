//! Product of two matrices that are both computed.

use crate::op::fact;
use crate::{Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// `y = factor a b` over the last two axes: `[batch.., m, k]` by `[batch.., k, n]`, or by `[batch.., n, k]` with
/// `transpose_b`, gives `[batch.., m, n]`. Scaled dot-product attention has the factor `1 / sqrt(k)` (Vaswani et al. 2017,
/// equation 1).
#[derive(Clone, Debug, PartialEq)]
pub struct MatMul {
    /// Whether the last two axes of `b` are exchanged.
    pub transpose_b: bool,
    /// What the product is multiplied by.
    pub factor: f64,
}

impl Default for MatMul {
    fn default() -> Self {
        Self { transpose_b: false, factor: 1.0 }
    }
}

pub(super) const KIND: OpKind = OpKind {
    name: "matmul",
    doc: "Matrix product of two values over their last two axes.",
    parse: |a| {
        let default = MatMul::default();
        Ok(Arc::new(MatMul {
            transpose_b: a.flag("transpose_b")?.unwrap_or(default.transpose_b),
            factor: a.float("factor")?.unwrap_or(default.factor),
        }))
    },
    examples: || {
        vec![
            (Arc::new(MatMul::default()), vec![vec![3, 4], vec![4, 5]]),
            (Arc::new(MatMul { transpose_b: true, factor: 0.5 }), vec![vec![3, 4], vec![5, 4]]),
            (Arc::new(MatMul { transpose_b: false, factor: 2.0 }), vec![vec![2, 3, 4], vec![2, 4, 2]]),
            (Arc::new(MatMul { transpose_b: true, factor: 1.0 }), vec![vec![2, 2, 3, 2], vec![2, 2, 4, 2]]),
        ]
    },
};

impl Op for MatMul {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        let default = Self::default();
        Attributes::new().unless_default("transpose_b", self.transpose_b, default.transpose_b).unless_default(
            "factor",
            self.factor,
            default.factor,
        )
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let wanted = if self.transpose_b { "`[batch.., n, k]`" } else { "`[batch.., k, n]`" };
        let misfit = || OpError::expected(format!("inputs `[batch.., m, k]` and {wanted}"), inputs);
        if !self.factor.is_finite() {
            return Err(OpError::expected("a finite factor", self.factor));
        }
        let [a, b] = inputs else { return Err(misfit()) };
        let ([batch @ .., m, k], [batch_b @ .., rows, columns]) = (a.shape(), b.shape()) else {
            return Err(misfit());
        };
        let (inner, n) = if self.transpose_b { (columns, rows) } else { (rows, columns) };
        if batch != batch_b || k != inner {
            return Err(misfit());
        }
        fact(&[batch, &[*m, *n]].concat())
    }
    fn macs(&self, inputs: &[&Fact], output: &Fact) -> u64 {
        inputs[0].channels() as u64 * output.len() as u64
    }
    fn keeps_zero(&self) -> bool {
        true
    }
}
