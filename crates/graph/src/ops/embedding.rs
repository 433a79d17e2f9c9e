//! Learned vectors for categories.

use crate::op::{fact, one};
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind, ParamSpec, Role};
use std::sync::Arc;

/// Turns `[columns]` category codes (whole numbers as floats, clamped to their range) into `[columns * width]` features.
/// Weight `[sum of cardinalities, width]`, the columns' rows one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// Number of codes of each column.
    pub cardinalities: Vec<usize>,
    /// Features per column.
    pub width: usize,
}

impl Embedding {
    /// First row of each column in the weight.
    pub fn offsets(&self) -> Vec<usize> {
        self.cardinalities.iter().scan(0, |sum, &n| Some(std::mem::replace(sum, *sum + n))).collect()
    }
}

pub(super) const KIND: OpKind = OpKind {
    name: "embedding",
    doc: "Learned vectors for the category codes of a table row.",
    parse: |a| {
        Ok(Arc::new(Embedding {
            cardinalities: AttributeReader::required("cardinalities", a.sizes("cardinalities")?)?,
            width: AttributeReader::required("width", a.size("width")?)?,
        }))
    },
    examples: || vec![(Arc::new(Embedding { cardinalities: vec![3, 2], width: 4 }), vec![vec![2]])],
};

impl Op for Embedding {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("cardinalities", &self.cardinalities[..]).with("width", self.width)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let x = one(inputs)?;
        if x.shape() != [self.cardinalities.len()]
            || self.cardinalities.iter().any(|&n| n == 0 || n > 1 << 24)
        {
            return Err(OpError(format!(
                "expected one code for each of {} columns with at least one category, got shape {x:?} and cardinalities {:?}",
                self.cardinalities.len(),
                self.cardinalities
            )));
        }
        fact(&[self.cardinalities.len().saturating_mul(self.width)])
    }
    fn params(&self, _inputs: &[&Fact]) -> Vec<ParamSpec> {
        let shape = [self.cardinalities.iter().sum(), self.width];
        // Unit variance, like the standardised numbers beside them.
        vec![ParamSpec::uniform("weight", &shape, 1.0, Role::Weight)]
    }
}
