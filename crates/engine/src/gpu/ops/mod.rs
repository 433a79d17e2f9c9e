//! How each operator is called: one file per family, one list.
//!
//! Every value is a tensor `[batch, positions, channels]`; convolutions and pools look at the positions as lines of an image,
//! products and permutations at further axes.

mod convolution;
mod dense;
mod elementwise;
mod image;
mod noise;
mod norm;
mod pool;
mod resample;
mod structure;
mod tokens;

use crate::kernels::Seeds;
use burn::tensor::{Device, Tensor};
use nasmyth_graph::{Fact, Op};

/// `[batch, positions, channels]`.
pub(crate) type Value = Tensor<3>;

/// What an operator is lowered for.
pub(crate) struct Site<'a> {
    pub inputs: Vec<&'a Fact>,
    pub output: &'a Fact,
    pub batch: usize,
    pub training: bool,
    pub device: &'a Device,
}

/// The operands of a call.
pub(crate) struct Call<'a> {
    pub inputs: Vec<Value>,
    /// Parameters of the node in order, flat.
    pub params: Vec<Tensor<1>>,
    /// Randomness of this step and node.
    pub seeds: Seeds,
    /// Where a normalisation puts mean and variance of the batch, without a record of gradients.
    pub statistics: &'a mut Vec<Tensor<1>>,
}

impl Call<'_> {
    /// The first input.
    fn input(&mut self) -> Value {
        self.inputs.swap_remove(0)
    }

    /// Parameter `i`, to be broadcast over batch and positions.
    fn per_channel(&self, i: usize) -> Value {
        self.params[i].clone().unsqueeze()
    }
}

/// An operator bound to shapes, batch and device.
pub(crate) type Run = Box<dyn Fn(Call) -> Value + Send + Sync>;

/// Axes of a value of this shape.
pub(crate) fn axes(fact: &Fact, batch: usize) -> [usize; 3] {
    [batch, fact.len() / fact.channels(), fact.channels()]
}

/// The calls of an operator, or `None` if there are none: a conformance test sees to it that there are.
pub(crate) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
    type Lower = fn(&dyn Op, &Site) -> Option<Run>;
    let families: [Lower; 9] = [
        convolution::lower,
        dense::lower,
        norm::lower,
        elementwise::lower,
        pool::lower,
        resample::lower,
        structure::lower,
        tokens::lower,
        noise::lower,
    ];
    families.iter().find_map(|lower| lower(op, site))
}
