//! How each operator computes, forward and backward: one file per operator, one list.

mod activation;
mod add;
mod batch_norm;
mod concat;
mod conv;
mod depthwise;
mod dropout;
mod embedding;
mod fold;
mod global_pool;
mod io;
mod layer_norm;
mod linear;
mod mul;
mod padded;
mod pool;
mod reshape;
mod scale;
mod slice;
mod softmax;
mod standardize;
mod window;
mod zero;

pub(crate) use io::{Backward, Forward};

use crate::Real;
use nasmyth_graph::{Fact, Op};

/// The shapes that a kernel is made for.
pub(crate) struct Site<'a> {
    pub inputs: Vec<&'a Fact>,
    pub output: &'a Fact,
    pub batch: usize,
}

impl Site<'_> {
    /// Positions of the first input over the whole batch: batch times space.
    fn rows(&self) -> usize {
        self.batch * self.inputs[0].spatial().iter().product::<usize>()
    }

    /// Channels of the first input.
    fn channels(&self) -> usize {
        self.inputs[0].channels()
    }
}

/// What of the forward pass the backward pass reads; everything else may be overwritten.
#[derive(Clone, Copy, Default)]
pub(crate) struct Needs {
    pub inputs: bool,
    pub output: bool,
}

/// An operator bound to shapes and batch.
pub(crate) trait Kernel<T: Real>: Send + Sync {
    /// What the backward pass reads.
    fn needs(&self) -> Needs {
        Needs::default()
    }
    /// Elements of scratch, undefined at the start of a call.
    fn scratch(&self) -> usize {
        0
    }
    /// Elements kept from the forward to the backward pass.
    fn saved(&self) -> usize {
        0
    }
    /// Whether the output may lie where the first input lies, and the gradients likewise.
    fn in_place(&self) -> bool {
        false
    }
    /// Writes the output.
    fn forward(&self, io: Forward<'_, T>);
    /// Writes the gradients of the parameters and adds to or writes those of the inputs.
    fn backward(&self, io: Backward<'_, T>);
    /// Moves running statistics towards those of the last batch. `saved`: what each shard kept; `buffers`: the node's
    /// buffers in order.
    fn update_buffers(&self, _saved: &[&[T]], _buffers: &mut [&mut [T]]) {}
}

/// The kernel of an operator, or `None` if there is none: a conformance test sees to it that there is.
pub(crate) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    type Lower<T> = fn(&dyn Op, &Site) -> Option<Box<dyn Kernel<T>>>;
    let kernels: [Lower<T>; 19] = [
        conv::lower,
        linear::lower,
        embedding::lower,
        batch_norm::lower,
        layer_norm::lower,
        activation::lower,
        softmax::lower,
        pool::lower,
        global_pool::lower,
        add::lower,
        mul::lower,
        concat::lower,
        slice::lower,
        reshape::lower,
        scale::lower,
        standardize::lower,
        dropout::lower_dropout,
        dropout::lower_drop_path,
        zero::lower,
    ];
    kernels.iter().find_map(|lower| lower(op, site))
}
