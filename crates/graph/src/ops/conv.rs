//! Convolution over one or two spatial axes.

use crate::op::{fact, one};
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind, ParamSpec};
use std::sync::Arc;

/// Cross-correlation, channels last: `[steps, c]` with one spatial axis or `[height, width, c]` with two.
/// Weight `[kernel.., in / groups, out]`; output channels of group `g` are contiguous.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Output channels.
    pub out: usize,
    /// Window, one entry per spatial axis.
    pub kernel: Vec<usize>,
    /// Step, one entry per spatial axis.
    pub stride: Vec<usize>,
    /// Distance between taps, one entry per spatial axis.
    pub dilation: Vec<usize>,
    /// Zeros added: at the begin of each axis, then at the end of each axis.
    pub pad: Vec<usize>,
    /// Channel groups; as many as input channels is a depthwise convolution.
    pub groups: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

impl Conv {
    /// Stride 1, dilation 1, one group, no bias, padded with `(k - 1) / 2` before and `k / 2` after ("same").
    pub fn same(out: usize, kernel: &[usize]) -> Self {
        let ones = vec![1; kernel.len()];
        Self {
            out,
            kernel: kernel.to_vec(),
            stride: ones.clone(),
            dilation: ones,
            pad: Vec::new(),
            groups: 1,
            bias: false,
        }
        .padded()
    }

    /// The same with another stride.
    pub fn stride(mut self, stride: usize) -> Self {
        self.stride = vec![stride; self.kernel.len()];
        self
    }

    /// The same with another dilation, and padding to match.
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.dilation = vec![dilation; self.kernel.len()];
        self.padded()
    }

    /// The same with groups.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// The same with a bias.
    pub fn with_bias(mut self) -> Self {
        self.bias = true;
        self
    }

    /// The same padded to `ceil(size / stride)` outputs on each axis of `x`, an odd zero at the end: "SAME" in TensorFlow.
    pub fn padded_for(mut self, x: &Fact) -> Self {
        let axes = x.spatial().iter().zip(&self.stride).zip(self.kernel.iter().zip(&self.dilation));
        let total = axes.map(|((&size, &stride), (&kernel, &dilation))| {
            let last = (size.div_ceil(stride) - 1) * stride;
            (last + dilation * kernel.saturating_sub(1) + 1).saturating_sub(size)
        });
        let total: Vec<usize> = total.collect();
        self.pad = total.iter().map(|t| t / 2).chain(total.iter().map(|t| t.div_ceil(2))).collect();
        self
    }

    fn padded(mut self) -> Self {
        let span = |(k, d): (&usize, &usize)| k.saturating_sub(1) * d;
        let begin = self.kernel.iter().zip(&self.dilation).map(|kd| span(kd) / 2);
        let end = self.kernel.iter().zip(&self.dilation).map(|kd| span(kd).div_ceil(2));
        self.pad = begin.chain(end).collect();
        self
    }

    /// Whether each input channel is filtered on its own.
    pub fn is_depthwise(&self, in_channels: usize) -> bool {
        self.groups == in_channels && self.out == in_channels && in_channels > 1
    }

    fn check(&self, rank: usize) -> Result<(), OpError> {
        let lens = [self.kernel.len(), self.stride.len(), self.dilation.len()];
        if !(1..=2).contains(&rank) || lens != [rank; 3] || self.pad.len() != 2 * rank {
            return Err(OpError(format!(
                "expected kernel, stride, dilation with {rank} entries and pad with twice as many (one or two spatial axes), got {} / {} / {} / {}",
                lens[0],
                lens[1],
                lens[2],
                self.pad.len()
            )));
        }
        let positive = [&self.kernel, &self.stride, &self.dilation]
            .iter()
            .all(|v| v.iter().all(|&x| (1..=1 << 16).contains(&x)));
        if !positive || self.groups == 0 || self.out == 0 || self.pad.iter().any(|&p| p > 1 << 16) {
            return Err(OpError::expected(
                "kernel, stride, dilation, groups and out of at least 1 (and below 65,537)",
                self,
            ));
        }
        Ok(())
    }
}

/// Positions of a window over an axis: `(size + pads - dilation (k - 1) - 1) / stride + 1`.
pub(crate) fn windows(
    size: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    pads: usize,
) -> Option<usize> {
    Some((size + pads).checked_sub(dilation * (kernel - 1) + 1)? / stride + 1)
}

pub(super) const KIND: OpKind = OpKind {
    name: "conv",
    doc: "Convolution over one or two spatial axes, with groups, stride, dilation and padding.",
    parse: |a| {
        let kernel = AttributeReader::required("kernel", a.sizes("kernel")?)?;
        let same = Conv::same(AttributeReader::required("out", a.size("out")?)?, &kernel);
        let dilation = a.sizes("dilation")?.unwrap_or(same.dilation.clone());
        Ok(Arc::new(Conv {
            stride: a.sizes("stride")?.unwrap_or(same.stride.clone()),
            dilation,
            pad: a.sizes("pad")?.unwrap_or(same.pad.clone()),
            groups: a.size("groups")?.unwrap_or(1),
            bias: a.flag("bias")?.unwrap_or(false),
            ..same
        }))
    },
    examples: || {
        vec![
            (Arc::new(Conv::same(5, &[3, 3])), vec![vec![6, 5, 3]]),
            (Arc::new(Conv::same(4, &[1, 1]).with_bias()), vec![vec![4, 4, 3]]),
            (Arc::new(Conv::same(3, &[1, 1]).stride(2)), vec![vec![5, 4, 2]]),
            (Arc::new(Conv::same(4, &[5, 3]).stride(2).with_bias()), vec![vec![7, 6, 2]]),
            (Arc::new(Conv::same(4, &[3, 3]).groups(4).stride(2)), vec![vec![6, 7, 4]]),
            (Arc::new(Conv::same(18, &[5, 5]).groups(18)), vec![vec![5, 5, 18]]),
            (Arc::new(Conv::same(6, &[3, 3]).groups(2).dilation(2)), vec![vec![7, 7, 4]]),
            (Arc::new(Conv::same(6, &[9])), vec![vec![12, 2]]),
            (Arc::new(Conv::same(4, &[3]).dilation(3).stride(2).with_bias()), vec![vec![11, 3]]),
            (Arc::new(Conv::same(4, &[5]).groups(4)), vec![vec![9, 4]]),
        ]
    },
};

impl Op for Conv {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        let same = Conv::same(self.out, &self.kernel);
        Attributes::new()
            .with("out", self.out)
            .with("kernel", &self.kernel[..])
            .unless_default("stride", &self.stride[..], &same.stride)
            .unless_default("dilation", &self.dilation[..], &same.dilation)
            .unless_default("pad", &self.pad[..], &same.pad)
            .unless_default("groups", self.groups, 1)
            .unless_default("bias", self.bias, false)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let x = one(inputs)?;
        let rank = x.spatial().len();
        self.check(rank)?;
        if !x.channels().is_multiple_of(self.groups) || !self.out.is_multiple_of(self.groups) {
            return Err(OpError(format!(
                "expected input channels ({}) and output channels ({}) that {} groups divide",
                x.channels(),
                self.out,
                self.groups
            )));
        }
        let axis = |i: usize| {
            windows(
                x.spatial()[i],
                self.kernel[i],
                self.stride[i],
                self.dilation[i],
                self.pad[i] + self.pad[rank + i],
            )
            .ok_or_else(|| {
                OpError::expected(format!("a kernel that fits into the padded input {x:?}"), &self.kernel)
            })
        };
        let mut shape = (0..rank).map(axis).collect::<Result<Vec<_>, _>>()?;
        shape.push(self.out);
        fact(&shape)
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        let per_group = inputs[0].channels() / self.groups;
        let fan_in = self.kernel.iter().product::<usize>() * per_group;
        let shape: Vec<usize> = self.kernel.iter().copied().chain([per_group, self.out]).collect();
        let mut params = vec![ParamSpec::weight("weight", &shape, fan_in)];
        params.extend(self.bias.then(|| ParamSpec::bias("bias", self.out, 0.0)));
        params
    }
    fn macs(&self, inputs: &[&Fact], output: &Fact) -> u64 {
        let window = self.kernel.iter().product::<usize>() * inputs[0].channels() / self.groups;
        output.len() as u64 * window as u64
    }
    fn keeps_zero(&self) -> bool {
        !self.bias
    }
}
