//! The way back from maximum pooling.

use super::conv::windows;
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Inputs: a value `[windows.., c]` and a source `[space.., c]` that windows of `kernel`, side by side from the first position,
/// divide into as many. Each element of the value goes to where its window of the source has its (first) maximum; all else
/// is zero (Badrinarayanan et al. 2017, section III; Paszke et al. 2016, section 4). No gradient goes to the source.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxUnpool {
    /// Window and step, one entry per spatial axis.
    pub kernel: Vec<usize>,
}

pub(super) const KIND: OpKind = OpKind {
    name: "max_unpool",
    doc: "Puts each value where a source has the maximum of its window; zeros elsewhere.",
    parse: |a| Ok(Arc::new(MaxUnpool { kernel: AttributeReader::required("kernel", a.sizes("kernel")?)? })),
    examples: || {
        vec![
            (Arc::new(MaxUnpool { kernel: vec![2, 2] }), vec![vec![2, 2, 3], vec![5, 4, 3]]),
            (Arc::new(MaxUnpool { kernel: vec![3] }), vec![vec![2, 2], vec![7, 2]]),
        ]
    },
};

impl Op for MaxUnpool {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("kernel", &self.kernel[..])
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        let fits = |value: &Fact, source: &Fact| {
            let rank = self.kernel.len();
            (1..=2).contains(&rank)
                && self.kernel.iter().all(|&k| k >= 1)
                && (value.spatial().len(), source.spatial().len()) == (rank, rank)
                && value.channels() == source.channels()
                && (0..rank).all(|i| {
                    windows(source.spatial()[i], self.kernel[i], self.kernel[i], 1, 0)
                        == Some(value.spatial()[i])
                })
        };
        match inputs {
            [value, source] if fits(value, source) => Ok((*source).clone()),
            _ => Err(OpError(format!(
                "expected a value and a source that windows of {:?} divide into the value's positions, got {inputs:?}",
                self.kernel
            ))),
        }
    }
    fn keeps_zero(&self) -> bool {
        true
    }
}
