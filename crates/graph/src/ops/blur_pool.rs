//! Downsampling without aliasing.

use super::conv::windows;
use crate::op::{fact, one};
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Every channel smoothed by the binomial filter of `size` along one or two spatial axes, every `stride`-th position kept
/// (BlurPool: Zhang 2019, section 3.2). The input is extended by reflection, without its border.
#[derive(Clone, Debug, PartialEq)]
pub struct BlurPool {
    /// Taps of the filter along each axis.
    pub size: usize,
    /// Step along each axis.
    pub stride: usize,
}

impl BlurPool {
    /// The filter along one axis: row `size - 1` of Pascal's triangle, divided by its sum.
    pub fn filter(&self) -> Vec<f64> {
        let smoothed = |row: Vec<f64>| {
            let before = std::iter::once(0.0).chain(row.iter().copied());
            let after = row.iter().copied().chain([0.0]);
            before.zip(after).map(|(a, b)| (a + b) / 2.0).collect()
        };
        (1..self.size).fold(vec![1.0], |row, _| smoothed(row))
    }

    /// Reflected positions before and after each axis.
    pub fn pad(&self) -> [usize; 2] {
        [(self.size - 1) / 2, self.size / 2]
    }

    /// For each position of the output along an axis, one after the other, the input positions under the filter. `axis`: length of the
    /// input's, longer than the reflection.
    pub fn under(&self, axis: usize) -> Vec<usize> {
        let before = self.pad()[0];
        let reflected = |at: usize| match at.checked_sub(before) {
            Some(at) if at < axis => at,
            Some(at) => 2 * (axis - 1) - at,
            None => before - at,
        };
        let starts = (0..axis).step_by(self.stride);
        starts.flat_map(|start| (start..start + self.size).map(reflected)).collect()
    }
}

pub(super) const KIND: OpKind = OpKind {
    name: "blur_pool",
    doc: "Smooths each channel with a binomial filter and keeps every stride-th position.",
    parse: |a| {
        Ok(Arc::new(BlurPool {
            size: AttributeReader::required("size", a.size("size")?)?,
            stride: AttributeReader::required("stride", a.size("stride")?)?,
        }))
    },
    examples: || {
        vec![
            (Arc::new(BlurPool { size: 3, stride: 2 }), vec![vec![5, 4, 3]]),
            (Arc::new(BlurPool { size: 5, stride: 1 }), vec![vec![3, 4, 2]]),
            (Arc::new(BlurPool { size: 4, stride: 2 }), vec![vec![7, 3]]),
        ]
    },
};

impl Op for BlurPool {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("size", self.size).with("stride", self.stride)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let x = one(inputs)?;
        if self.size == 0 || self.stride == 0 || !(1..=2).contains(&x.spatial().len()) {
            return Err(OpError(format!(
                "expected size and stride of at least 1 and one or two spatial axes, got {self:?} for input {x:?}"
            )));
        }
        if x.spatial().iter().any(|&n| n <= self.size / 2) {
            return Err(OpError::expected(format!("axes longer than the reflection, {}", self.size / 2), x));
        }
        let axis = |&n: &usize| windows(n, self.size, self.stride, 1, self.size - 1);
        let shape: Option<Vec<usize>> = x.spatial().iter().map(axis).chain([Some(x.channels())]).collect();
        fact(&shape.unwrap_or_default())
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn is_identity(&self, _: &[&Fact]) -> bool {
        (self.size, self.stride) == (1, 1)
    }
}
