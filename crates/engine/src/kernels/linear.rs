//! Matrix product over the last axis.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::matmul::{Matrix, matmul, transpose};
use crate::{Real, vectorized};
use nasmyth_graph::Op;
use nasmyth_graph::ops::Linear;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let linear = op.downcast::<Linear>()?;
    Some(Box::new(Dense {
        rows: site.rows(),
        inputs: site.channels(),
        outputs: linear.out,
        bias: linear.bias,
    }))
}

/// `y = x W + b` for `rows` rows: linear layers, and 1x1 convolutions without stride.
pub(super) struct Dense {
    pub rows: usize,
    pub inputs: usize,
    pub outputs: usize,
    pub bias: bool,
}

impl<T: Real> Kernel<T> for Dense {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    /// The transposed weight, for the gradient of the input.
    fn scratch(&self) -> usize {
        self.inputs * self.outputs
    }

    fn forward(&self, io: Forward<'_, T>) {
        let x = Matrix::new(io.input(0), self.rows, self.inputs);
        let weight = Matrix::new(io.param(0), self.inputs, self.outputs);
        if self.bias {
            start_with_bias(io.output, io.param(1));
        }
        matmul(io.output, self.outputs, self.bias, x, weight);
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let x = Matrix::new(io.input(0), self.rows, self.inputs);
        let dy = Matrix::new(io.grad_output(), self.rows, self.outputs);
        let weight = Matrix::new(io.param(0), self.inputs, self.outputs);
        matmul(io.take_grad_param(0), self.outputs, false, x.transposed(), dy);
        if self.bias {
            sum_rows(io.grad_output(), io.take_grad_param(1));
        }
        let transposed = std::mem::take(&mut io.scratch);
        let Some(dx) = io.grad_input(0) else { return };
        transpose(weight, transposed);
        let transposed = Matrix::new(transposed, self.outputs, self.inputs);
        matmul(dx.values, self.inputs, dx.accumulate, dy, transposed);
    }
}

/// Every row of `y` becomes `bias`.
pub(super) fn start_with_bias<T: Real>(y: &mut [T], bias: &[T]) {
    y.chunks_exact_mut(bias.len()).for_each(|row| row.copy_from_slice(bias));
}

/// `sums` becomes the sum over the rows of `values`.
pub(super) fn sum_rows<T: Real>(values: &[T], sums: &mut [T]) {
    sums.fill(T::ZERO);
    vectorized(|| {
        let width = sums.len();
        values.chunks_exact(width).for_each(|row| sums.iter_mut().zip(row).for_each(|(s, &v)| *s += v));
    });
}
