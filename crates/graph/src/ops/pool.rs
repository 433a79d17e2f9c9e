//! Pooling over windows.

use super::conv::windows;
use crate::op::{fact, one};
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// What a window becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// Its largest value.
    Max,
    /// The mean of the values inside the input (padding is not counted).
    Average,
}

impl Pooling {
    /// Name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Average => "average",
        }
    }

    pub(super) fn read(a: &mut AttributeReader) -> Result<Self, OpError> {
        match AttributeReader::required("pooling", a.word("pooling")?)?.as_str() {
            "max" => Ok(Self::Max),
            "average" => Ok(Self::Average),
            other => Err(OpError::expected("`max` or `average`", other)),
        }
    }
}

/// Pooling over one or two spatial axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// What a window becomes.
    pub pooling: Pooling,
    /// Window, one entry per spatial axis.
    pub kernel: Vec<usize>,
    /// Step, one entry per spatial axis.
    pub stride: Vec<usize>,
    /// Padding at the begin of each axis, then at the end of each axis; smaller than the kernel.
    pub pad: Vec<usize>,
}

impl Pool {
    /// Without overlap: stride equal to kernel, no padding.
    pub fn new(pooling: Pooling, kernel: &[usize]) -> Self {
        Self { pooling, kernel: kernel.to_vec(), stride: kernel.to_vec(), pad: vec![0; 2 * kernel.len()] }
    }

    /// Stride 1 and padding that keeps the size.
    pub fn same(pooling: Pooling, kernel: &[usize]) -> Self {
        let begin = kernel.iter().map(|k| k.saturating_sub(1) / 2);
        let pad = begin.chain(kernel.iter().map(|k| k / 2)).collect();
        Self { pooling, kernel: kernel.to_vec(), stride: vec![1; kernel.len()], pad }
    }
}

pub(super) const KIND: OpKind = OpKind {
    name: "pool",
    doc: "Maximum or average over windows.",
    parse: |a| {
        let pooling = Pooling::read(a)?;
        let kernel = AttributeReader::required("kernel", a.sizes("kernel")?)?;
        let plain = Pool::new(pooling, &kernel);
        Ok(Arc::new(Pool {
            stride: a.sizes("stride")?.unwrap_or(plain.stride.clone()),
            pad: a.sizes("pad")?.unwrap_or(plain.pad.clone()),
            ..plain
        }))
    },
    examples: || {
        vec![
            (Arc::new(Pool::new(Pooling::Max, &[2, 2])), vec![vec![5, 4, 3]]),
            (Arc::new(Pool::same(Pooling::Max, &[3, 3])), vec![vec![4, 5, 2]]),
            (Arc::new(Pool::same(Pooling::Average, &[3, 3])), vec![vec![4, 5, 2]]),
            (Arc::new(Pool::new(Pooling::Average, &[2])), vec![vec![7, 3]]),
            (Arc::new(Pool::same(Pooling::Max, &[3])), vec![vec![6, 3]]),
        ]
    },
};

impl Op for Pool {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        let plain = Pool::new(self.pooling, &self.kernel);
        Attributes::new()
            .with("pooling", self.pooling.name())
            .with("kernel", &self.kernel[..])
            .unless_default("stride", &self.stride[..], &plain.stride)
            .unless_default("pad", &self.pad[..], &plain.pad)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let x = one(inputs)?;
        let rank = x.spatial().len();
        let fits = (1..=2).contains(&rank)
            && self.kernel.len() == rank
            && self.stride.len() == rank
            && self.pad.len() == 2 * rank;
        if !fits {
            return Err(OpError(format!(
                "expected kernel and stride with {rank} entries and pad with twice as many, got {self:?} for input {x:?}"
            )));
        }
        let sane = |i: usize| {
            self.kernel[i] >= 1 && self.stride[i] >= 1 && self.pad[i].max(self.pad[rank + i]) < self.kernel[i]
        };
        if !(0..rank).all(sane) {
            return Err(OpError::expected(
                "kernel and stride of at least 1 and padding below the kernel",
                self,
            ));
        }
        let axis = |i: usize| {
            windows(x.spatial()[i], self.kernel[i], self.stride[i], 1, self.pad[i] + self.pad[rank + i])
                .ok_or_else(|| {
                    OpError::expected(format!("a window that fits into the padded input {x:?}"), &self.kernel)
                })
        };
        let mut shape = (0..rank).map(axis).collect::<Result<Vec<_>, _>>()?;
        shape.push(x.channels());
        fact(&shape)
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn is_identity(&self, _: &[&Fact]) -> bool {
        self.kernel.iter().chain(&self.stride).all(|&n| n == 1)
    }
}
