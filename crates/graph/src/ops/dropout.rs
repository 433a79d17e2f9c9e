//! Noise that regularises training and vanishes at inference.

use crate::op::one;
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

fn rate(a: &mut AttributeReader) -> Result<f64, OpError> {
    AttributeReader::required("rate", a.float("rate")?)
}

fn checked(rate: f64, inputs: &[&Fact]) -> Result<Fact, OpError> {
    if !(0.0..1.0).contains(&rate) {
        return Err(OpError::expected("a rate in 0..1", rate));
    }
    Ok(one(inputs)?.clone())
}

/// In training, zeroes each element with probability `rate` and scales the rest by `1 / (1 - rate)` (Srivastava et al. 2014).
#[derive(Clone, Debug, PartialEq)]
pub struct Dropout {
    /// Probability of a zero.
    pub rate: f64,
}

/// In training, zeroes whole channels of a sample with probability `rate` and scales the rest by `1 / (1 - rate)`: spatial dropout
/// (Tompson et al. 2015, section 3.2).
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelDropout {
    /// Probability that a channel is zero.
    pub rate: f64,
}

/// In training, zeroes whole samples with probability `rate` and scales the rest by `1 / (1 - rate)`: stochastic depth on a
/// residual branch (Huang et al. 2016).
#[derive(Clone, Debug, PartialEq)]
pub struct DropPath {
    /// Probability that a sample's branch is dropped.
    pub rate: f64,
}

pub(super) const DROPOUT: OpKind = OpKind {
    name: "dropout",
    doc: "Zeroes random elements in training.",
    parse: |a| Ok(Arc::new(Dropout { rate: rate(a)? })),
    examples: || vec![(Arc::new(Dropout { rate: 0.3 }), vec![vec![3, 5]])],
};

pub(super) const CHANNEL_DROPOUT: OpKind = OpKind {
    name: "channel_dropout",
    doc: "Zeroes random channels in training (spatial dropout).",
    parse: |a| Ok(Arc::new(ChannelDropout { rate: rate(a)? })),
    examples: || vec![(Arc::new(ChannelDropout { rate: 0.3 }), vec![vec![3, 5]])],
};

pub(super) const DROP_PATH: OpKind = OpKind {
    name: "drop_path",
    doc: "Zeroes whole samples of a branch in training (stochastic depth).",
    parse: |a| Ok(Arc::new(DropPath { rate: rate(a)? })),
    examples: || vec![(Arc::new(DropPath { rate: 0.3 }), vec![vec![3, 5]])],
};

impl Op for Dropout {
    fn kind(&self) -> &'static str {
        DROPOUT.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("rate", self.rate)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        checked(self.rate, inputs)
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn is_identity(&self, _: &[&Fact]) -> bool {
        self.rate == 0.0
    }
    fn random(&self) -> bool {
        true
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}

impl Op for ChannelDropout {
    fn kind(&self) -> &'static str {
        CHANNEL_DROPOUT.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("rate", self.rate)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        checked(self.rate, inputs)
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn is_identity(&self, _: &[&Fact]) -> bool {
        self.rate == 0.0
    }
    fn random(&self) -> bool {
        true
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}

impl Op for DropPath {
    fn kind(&self) -> &'static str {
        DROP_PATH.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("rate", self.rate)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        checked(self.rate, inputs)
    }
    fn keeps_zero(&self) -> bool {
        true
    }
    fn is_identity(&self, _: &[&Fact]) -> bool {
        self.rate == 0.0
    }
    fn random(&self) -> bool {
        true
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
