//! Transposed convolution over one or two spatial axes.

use crate::op::{fact, one};
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind, ParamSpec};
use std::sync::Arc;

/// The transpose of a convolution, channels last: every input position adds its window to the output, windows `stride` apart
/// (Dumoulin and Visin 2016, section 4). An axis of `n` becomes `(n - 1) stride + kernel + output_pad - pads`.
/// Weight `[kernel.., in, out / groups]`; input and output channels of a group are contiguous.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvTranspose {
    /// Output channels.
    pub out: usize,
    /// Window, one entry per spatial axis.
    pub kernel: Vec<usize>,
    /// Step between windows in the output, one entry per spatial axis.
    pub stride: Vec<usize>,
    /// Output positions cut off: at the begin of each axis, then at the end of each axis.
    pub pad: Vec<usize>,
    /// Output positions added at the end of each axis; fewer than the stride.
    pub output_pad: Vec<usize>,
    /// Channel groups.
    pub groups: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

impl ConvTranspose {
    /// To `stride` times the size; one group, no bias. `kernel` and `stride` have one entry per spatial axis.
    pub fn new(out: usize, kernel: &[usize], stride: &[usize]) -> Self {
        let pairs = || kernel.iter().zip(stride);
        let begin = pairs().map(|(k, s)| k.saturating_sub(*s).div_ceil(2));
        let end = pairs().map(|(k, s)| k.saturating_sub(*s) / 2);
        Self {
            out,
            kernel: kernel.to_vec(),
            stride: stride.to_vec(),
            pad: begin.chain(end).collect(),
            output_pad: pairs().map(|(k, s)| s.saturating_sub(*k)).collect(),
            groups: 1,
            bias: false,
        }
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

    fn check(&self, x: &Fact) -> Result<(), OpError> {
        let rank = x.spatial().len();
        let lens = [self.kernel.len(), self.stride.len(), self.output_pad.len()];
        if !(1..=2).contains(&rank) || lens != [rank; 3] || self.pad.len() != 2 * rank {
            return Err(OpError(format!(
                "expected kernel, stride, output_pad with {rank} entries and pad with twice as many (one or two spatial axes), got {} / {} / {} / {}",
                lens[0],
                lens[1],
                lens[2],
                self.pad.len()
            )));
        }
        let sane = |v: &[usize]| v.iter().all(|&n| (1..=1 << 16).contains(&n));
        let below_stride = self.output_pad.iter().zip(&self.stride).all(|(p, s)| p < s);
        if !sane(&self.kernel) || !sane(&self.stride) || !below_stride {
            return Err(OpError::expected(
                "kernel and stride of at least 1 (and below 65,537) and output_pad below the stride",
                self,
            ));
        }
        if self.groups == 0
            || !x.channels().is_multiple_of(self.groups)
            || !self.out.is_multiple_of(self.groups)
        {
            return Err(OpError(format!(
                "expected input channels ({}) and output channels ({}) that {} groups divide",
                x.channels(),
                self.out,
                self.groups
            )));
        }
        Ok(())
    }
}

pub(super) const KIND: OpKind = OpKind {
    name: "conv_transpose",
    doc: "Transposed convolution over one or two spatial axes, with stride, groups and padding.",
    parse: |a| {
        let out = AttributeReader::required("out", a.size("out")?)?;
        let kernel = AttributeReader::required("kernel", a.sizes("kernel")?)?;
        let stride = a.sizes("stride")?.unwrap_or(vec![1; kernel.len()]);
        let default = ConvTranspose::new(out, &kernel, &stride);
        Ok(Arc::new(ConvTranspose {
            pad: a.sizes("pad")?.unwrap_or(default.pad.clone()),
            output_pad: a.sizes("output_pad")?.unwrap_or(default.output_pad.clone()),
            groups: a.size("groups")?.unwrap_or(1),
            bias: a.flag("bias")?.unwrap_or(false),
            ..default
        }))
    },
    examples: || {
        let odd = ConvTranspose {
            pad: vec![1, 1, 1, 1],
            output_pad: vec![1, 0],
            ..ConvTranspose::new(4, &[3, 3], &[2, 2])
        };
        vec![
            (Arc::new(ConvTranspose::new(4, &[2, 2], &[2, 2])), vec![vec![3, 2, 5]]),
            (Arc::new(ConvTranspose::new(3, &[4, 3], &[2, 1]).with_bias()), vec![vec![2, 4, 2]]),
            (Arc::new(odd.groups(2)), vec![vec![3, 2, 6]]),
            (Arc::new(ConvTranspose::new(3, &[2], &[3]).groups(3)), vec![vec![4, 3]]),
            (Arc::new(ConvTranspose::new(2, &[5], &[2]).with_bias()), vec![vec![4, 3]]),
        ]
    },
};

impl Op for ConvTranspose {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        let default = Self::new(self.out, &self.kernel, &self.stride);
        Attributes::new()
            .with("out", self.out)
            .with("kernel", &self.kernel[..])
            .unless_default("stride", &self.stride[..], &vec![1; self.kernel.len()])
            .unless_default("pad", &self.pad[..], &default.pad)
            .unless_default("output_pad", &self.output_pad[..], &default.output_pad)
            .unless_default("groups", self.groups, 1)
            .unless_default("bias", self.bias, false)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let x = one(inputs)?;
        self.check(x)?;
        let rank = x.spatial().len();
        let axis = |i: usize| {
            let full = (x.spatial()[i] - 1) * self.stride[i] + self.kernel[i] + self.output_pad[i];
            full.saturating_sub(self.pad[i].saturating_add(self.pad[rank + i]))
        };
        fact(&(0..rank).map(axis).chain([self.out]).collect::<Vec<_>>())
    }
    fn params(&self, inputs: &[&Fact]) -> Vec<ParamSpec> {
        let shape: Vec<usize> =
            self.kernel.iter().copied().chain([inputs[0].channels(), self.out / self.groups]).collect();
        // An output position lies in one of `stride` positions of a window, so it sums over `kernel / stride` inputs.
        let taps: usize = self.kernel.iter().zip(&self.stride).map(|(k, s)| k.div_ceil(*s)).product();
        let fan_in = taps * inputs[0].channels() / self.groups;
        let mut params = vec![ParamSpec::weight("weight", &shape, fan_in)];
        params.extend(self.bias.then(|| ParamSpec::bias("bias", self.out, 0.0)));
        params
    }
    fn macs(&self, inputs: &[&Fact], _: &Fact) -> u64 {
        let window = self.kernel.iter().product::<usize>() * self.out / self.groups;
        inputs[0].len() as u64 * window as u64
    }
    fn keeps_zero(&self) -> bool {
        !self.bias
    }
}
