//! How each operator computes, forward and backward: one file per operator, one list.

mod activation;
mod add;
mod batch_norm;
mod blocks;
mod blur_pool;
mod class_token;
mod columns;
mod concat;
mod conv;
mod conv_transpose;
mod depthwise;
mod dropout;
mod embedding;
mod fold;
mod global_pool;
mod io;
mod layer_norm;
mod linear;
mod matrix_product;
mod max_unpool;
mod mean;
mod mix;
mod mul;
mod padded;
mod permute;
mod pool;
mod position_embedding;
mod prelu;
mod reshape;
mod scale;
mod slice;
mod softmax;
mod standardize;
mod statistics;
mod tiles;
mod window;
mod winograd;
mod zero;

#[cfg(feature = "burn")]
pub(crate) use dropout::draw_factors;
pub(crate) use io::At;
#[cfg(feature = "burn")]
pub(crate) use io::Seeds;
pub use io::{Backward, Forward};
#[cfg(feature = "burn")]
pub(crate) use mean::draw_shares;
pub use statistics::Statistics;

use crate::Real;
use nasmyth_graph::ops::Function;
use nasmyth_graph::{Fact, Op};

/// The shapes that a kernel is made for.
pub struct Site<'a> {
    pub inputs: Vec<&'a Fact>,
    pub output: &'a Fact,
    pub training: bool,
    /// Whether the gradient of an input is wanted.
    pub input_gradient: bool,
}

impl Site<'_> {
    /// Positions of the first input.
    fn positions(&self) -> usize {
        self.inputs[0].spatial().iter().product()
    }

    /// Channels of the first input.
    fn channels(&self) -> usize {
        self.inputs[0].channels()
    }
}

/// What of the forward pass the backward pass reads.
#[derive(Clone, Copy, Default)]
pub struct Needs {
    pub inputs: bool,
    pub output: bool,
}

/// An operator bound to shapes. Calls see any number of samples; what they compute for one does not depend on the others.
pub trait Kernel<T: Real>: Send + Sync {
    /// What the backward pass reads.
    fn needs(&self) -> Needs {
        Needs::default()
    }
    /// Whether computing the output again costs less than storing it for the whole batch.
    fn is_cheap(&self) -> bool {
        false
    }
    /// Elements of scratch, undefined at the start of a call.
    fn scratch(&self) -> usize {
        0
    }
    /// Elements kept from the forward to the backward pass, per sample.
    fn saved(&self) -> usize {
        0
    }
    /// Elements that [`prepare`](Self::prepare) makes of the parameters.
    fn prepared(&self) -> usize {
        0
    }
    /// Brings parameters into the form that calls want; done once a step.
    fn prepare(&self, _params: &[&[T]], _prepared: &mut [T]) {}
    /// What the operator must know of the whole batch, if anything.
    fn statistics(&self) -> Option<&dyn Statistics<T>> {
        None
    }
    /// Writes the output.
    fn forward(&self, io: Forward<'_, T>);
    /// Adds to the gradients of the parameters, and adds to or writes those of the inputs.
    fn backward(&self, io: Backward<'_, T>);
}

/// The kernel of an operator and the activation `after` it, or `None` if there is none: a conformance test sees to it that there
/// is.
pub(crate) fn lower<T: Real>(
    op: &dyn Op,
    after: Option<Function>,
    site: &Site,
) -> Option<Box<dyn Kernel<T>>> {
    type Lower<T> = fn(&dyn Op, &Site) -> Option<Box<dyn Kernel<T>>>;
    let kernels: [Lower<T>; 31] = [
        conv::lower,
        conv_transpose::lower,
        linear::lower,
        matrix_product::lower,
        embedding::lower,
        embedding::lower_tokens,
        position_embedding::lower,
        class_token::lower,
        layer_norm::lower,
        activation::lower,
        prelu::lower,
        prelu::lower_leaky_relu,
        softmax::lower,
        pool::lower,
        blur_pool::lower,
        max_unpool::lower,
        global_pool::lower,
        add::lower,
        mul::lower,
        mean::lower,
        mix::lower,
        concat::lower,
        slice::lower,
        reshape::lower,
        permute::lower,
        scale::lower,
        standardize::lower,
        dropout::lower_dropout,
        dropout::lower_channel_dropout,
        dropout::lower_drop_path,
        zero::lower,
    ];
    batch_norm::lower(op, after, site).or_else(|| kernels.iter().find_map(|lower| lower(op, site)))
}
