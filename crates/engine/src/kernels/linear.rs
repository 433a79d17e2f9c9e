//! Matrix product over the last axis.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use crate::matmul::{Matrix, matmul, transpose};
use nasmyth_graph::Op;
use nasmyth_graph::ops::Linear;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let linear = op.downcast::<Linear>()?;
    Some(Box::new(Dense {
        inputs: site.channels(),
        outputs: linear.out,
        bias: linear.bias,
        backward: site.input_gradient,
    }))
}

/// `y = x W + b` at each position: linear layers, and 1x1 convolutions without stride.
pub(super) struct Dense {
    pub inputs: usize,
    pub outputs: usize,
    pub bias: bool,
    /// Whether the gradient of the input is wanted.
    pub backward: bool,
}

impl<T: Real> Kernel<T> for Dense {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    /// The transposed weight, for the gradient of the input.
    fn prepared(&self) -> usize {
        if self.backward { self.inputs * self.outputs } else { 0 }
    }

    fn prepare(&self, params: &[&[T]], prepared: &mut [T]) {
        transpose(Matrix::new(params[0], self.inputs, self.outputs), prepared);
    }

    fn forward(&self, io: Forward<'_, T>) {
        let rows = io.output.len() / self.outputs;
        let x = Matrix::new(io.input(0), rows, self.inputs);
        let weight = Matrix::new(io.param(0), self.inputs, self.outputs);
        if self.bias {
            start_with_bias(io.output, io.param(1));
        }
        matmul(io.output, self.outputs, self.bias, x, weight);
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let rows = io.grad_output().len() / self.outputs;
        let x = Matrix::new(io.input(0), rows, self.inputs);
        let dy = Matrix::new(io.grad_output(), rows, self.outputs);
        matmul(io.take_grad_param(0), self.outputs, true, x.transposed(), dy);
        if self.bias {
            add_rows(io.grad_output(), io.take_grad_param(1));
        }
        let transposed = io.prepared();
        let Some(dx) = io.grad_input(0) else { return };
        let transposed = Matrix::new(transposed, self.outputs, self.inputs);
        matmul(dx.values, self.inputs, dx.accumulate, dy, transposed);
    }
}

/// Every row of `y` becomes `bias`.
pub(super) fn start_with_bias<T: Real>(y: &mut [T], bias: &[T]) {
    y.chunks_exact_mut(bias.len()).for_each(|row| row.copy_from_slice(bias));
}

/// Adds the rows of `values` to `sums`.
pub(super) fn add_rows<T: Real>(values: &[T], sums: &mut [T]) {
    T::vectorized(
        #[inline(always)]
        || {
            let width = sums.len();
            values.chunks_exact(width).for_each(|row| sums.iter_mut().zip(row).for_each(|(s, &v)| *s += v));
        },
    );
}
