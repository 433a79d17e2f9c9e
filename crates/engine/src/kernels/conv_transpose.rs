//! Transposed convolution: a matrix product for each line of the input, added to where its windows lie; and its gradient, which
//! is a convolution.

use super::fold::{Channels, fold};
use super::linear::{add_rows, start_with_bias};
use super::padded::Padded;
use super::window::Window;
use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use crate::matmul::{Matrix, Pieces, matmul, matmul_pieces, transpose};
use nasmyth_graph::Op;
use nasmyth_graph::ops::ConvTranspose;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    Some(Box::new(Transposed::new(op.downcast::<ConvTranspose>()?, site)))
}

struct Transposed {
    /// Of the convolution that this is the transpose of: from the output to the input.
    window: Window,
    inputs: usize,
    outputs: usize,
    groups: usize,
    per_group: usize,
    out_per_group: usize,
    bias: bool,
    /// Whether the gradient of the input is wanted.
    backward: bool,
    /// The output's gradient with what the convolution pads.
    padded: Padded,
    /// Offset of each tap in a padded gradient, and in the weight, transposed or not.
    taps: Vec<usize>,
    weight_taps: Vec<usize>,
    /// Offset of each line of windows in a padded gradient, and of each line of the input.
    lines: Vec<usize>,
    input_lines: Vec<usize>,
}

impl Transposed {
    fn new(conv: &ConvTranspose, site: &Site) -> Self {
        let ones = vec![1; conv.kernel.len()];
        let (size, out) = (site.output.spatial(), site.inputs[0].spatial());
        let window = Window::between(size, out, &conv.kernel, &conv.stride, &ones, &conv.pad);
        let (inputs, outputs, groups) = (site.channels(), conv.out, conv.groups);
        let (per_group, out_per_group) = (inputs / groups, outputs / groups);
        let padded = Padded::input(&window, outputs);
        let area = window.area();
        Self {
            taps: (0..area)
                .map(|t| padded.tap(&window, t / window.kernel[1], t % window.kernel[1]))
                .collect(),
            weight_taps: (0..area).map(|t| t * inputs * out_per_group).collect(),
            lines: (0..window.out[0]).map(|y| y * window.stride[0] * padded.line()).collect(),
            input_lines: (0..window.out[0]).map(|y| y * window.out[1] * inputs).collect(),
            bias: conv.bias,
            backward: site.input_gradient,
            window,
            inputs,
            outputs,
            groups,
            per_group,
            out_per_group,
            padded,
        }
    }

    /// Elements of an image of the input, and of the output.
    fn image(&self) -> usize {
        self.window.out[0] * self.window.out[1] * self.inputs
    }

    fn output_image(&self) -> usize {
        self.window.size[0] * self.window.size[1] * self.outputs
    }

    /// Elements of the windows of a line of the input, for one group.
    fn columns_len(&self) -> usize {
        self.window.out[1] * self.window.area() * self.out_per_group
    }

    /// Elements of the weight for one tap and one group.
    fn block(&self) -> usize {
        self.per_group * self.out_per_group
    }

    /// Line `oy` of an image of the input, for one group.
    fn line<'a, T>(&self, x: &'a [T], oy: usize, group: usize) -> Matrix<'a, T> {
        let x = &x[self.input_lines[oy] + group * self.per_group..];
        Matrix::strided(x, self.window.out[1], self.per_group, self.inputs)
    }

    fn forward_image<T: Real>(&self, x: &[T], weight: &[T], columns: &mut [T], y: &mut [T]) {
        let row_len = self.window.area() * self.out_per_group;
        for oy in 0..self.window.out[0] {
            for group in 0..self.groups {
                let x = self.line(x, oy, group);
                for (tap, from) in self.weight_taps.iter().enumerate() {
                    let weight = &weight[from + group * self.block()..];
                    let weight = Matrix::new(weight, self.per_group, self.out_per_group);
                    matmul(&mut columns[tap * self.out_per_group..], row_len, false, x, weight);
                }
                let (first, count) = (group * self.out_per_group, self.out_per_group);
                let channels = Channels { all: self.outputs, first, count };
                T::vectorized(
                    #[inline(always)]
                    || fold(&self.window, oy, columns, channels, y),
                );
            }
        }
    }

    /// Adds the gradient of an image to that of the weight.
    fn weight_gradient<T: Real>(&self, x: &[T], padded: &[T], dweight: &mut [T]) {
        let step = self.window.stride[1] * self.outputs;
        for (tap, to) in self.taps.iter().zip(&self.weight_taps) {
            for group in 0..self.groups {
                let dy = &padded[tap + group * self.out_per_group..];
                let dy = Matrix::strided(dy, self.window.out[1], self.out_per_group, step);
                let x = self.line(x, 0, group).transposed();
                let pieces = Pieces { a: &self.input_lines, b: &self.lines };
                let out = &mut dweight[to + group * self.block()..];
                matmul_pieces(out, self.out_per_group, true, x, dy, pieces);
            }
        }
    }

    /// The gradient of an image of the input: the convolution of the padded gradient of the output.
    fn input_gradient<T: Real>(&self, padded: &[T], transposed: &[T], accumulate: bool, dx: &mut [T]) {
        let step = self.window.stride[1] * self.outputs;
        for (&from, &to) in self.lines.iter().zip(&self.input_lines) {
            for group in 0..self.groups {
                let dy = &padded[from + group * self.out_per_group..];
                let dy = Matrix::strided(dy, self.window.out[1], self.out_per_group, step);
                let weight = &transposed[group * self.block()..];
                let weight = Matrix::new(weight, self.out_per_group, self.per_group);
                let pieces = Pieces { a: &self.taps, b: &self.weight_taps };
                let dx = &mut dx[to + group * self.per_group..];
                matmul_pieces(dx, self.inputs, accumulate, dy, weight, pieces);
            }
        }
    }
}

impl<T: Real> Kernel<T> for Transposed {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    /// The windows of a line, or a padded gradient.
    fn scratch(&self) -> usize {
        self.columns_len().max(self.padded.len())
    }

    /// The weight of each tap and group transposed, for the gradient of the input.
    fn prepared(&self) -> usize {
        if self.backward { self.window.area() * self.groups * self.block() } else { 0 }
    }

    fn prepare(&self, params: &[&[T]], prepared: &mut [T]) {
        let blocks = params[0].chunks_exact(self.block()).zip(prepared.chunks_exact_mut(self.block()));
        for (from, to) in blocks {
            transpose(Matrix::new(from, self.per_group, self.out_per_group), to);
        }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, weight) = (io.input(0), io.param(0));
        if self.bias {
            start_with_bias(io.output, io.param(1));
        } else {
            io.output.fill(T::ZERO);
        }
        let columns = &mut io.scratch[..self.columns_len()];
        let images = x.chunks_exact(self.image()).zip(io.output.chunks_exact_mut(self.output_image()));
        images.for_each(|(x, y)| self.forward_image(x, weight, columns, y));
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy, transposed) = (io.input(0), io.grad_output(), io.prepared());
        let padded = &mut std::mem::take(&mut io.scratch)[..self.padded.len()];
        let dweight = io.take_grad_param(0);
        if self.bias {
            add_rows(dy, io.take_grad_param(1));
        }
        self.padded.clear_border(padded);
        let mut dx = io.grad_input(0);
        let images = x.chunks_exact(self.image()).zip(dy.chunks_exact(self.output_image()));
        for (i, (x, dy)) in images.enumerate() {
            self.padded.copy(dy, padded);
            self.weight_gradient(x, padded, dweight);
            if let Some(dx) = &mut dx {
                let image = &mut dx.values[i * self.image()..][..self.image()];
                self.input_gradient(padded, transposed, dx.accumulate, image);
            }
        }
    }
}
