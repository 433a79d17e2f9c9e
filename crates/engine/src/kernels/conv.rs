//! Convolution: a matrix product for 1x1, depthwise and 3x3 on their own, and otherwise a matrix product with a piece for each tap, over
//! one padded image at a time. The input is never unfolded: a tap of all windows of a line is a matrix that lies in the image.

use super::depthwise::Depthwise;
use super::fold::{Channels, fold};
use super::linear::{Dense, add_rows, start_with_bias};
use super::padded::Padded;
use super::window::Window;
use super::{Backward, Forward, Kernel, Needs, Site, winograd};
use crate::Real;
use crate::matmul::{Matrix, Pieces, matmul, matmul_pieces, transpose};
use nasmyth_graph::Op;
use nasmyth_graph::ops::Conv;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let conv = op.downcast::<Conv>()?;
    let window = Window::new(site, &conv.kernel, &conv.stride, &conv.dilation, &conv.pad);
    let inputs = site.channels();
    if conv.groups == 1 && window.is_identity() {
        return Some(Box::new(Dense {
            inputs,
            outputs: conv.out,
            bias: conv.bias,
            backward: site.input_gradient,
        }));
    }
    if conv.is_depthwise(inputs) {
        return Some(Box::new(Depthwise::new(window, inputs, conv.bias)));
    }
    let winograd = if conv.groups == 1 { winograd::lower(&window, site, conv.out, conv.bias) } else { None };
    winograd.or_else(|| Some(Box::new(Windowed::new(conv, window, site))))
}

/// Convolution by windows over padded images.
struct Windowed {
    window: Window,
    inputs: usize,
    outputs: usize,
    groups: usize,
    /// Input and output channels of one group.
    per_group: usize,
    out_per_group: usize,
    bias: bool,
    /// Whether the gradient of the input is wanted.
    backward: bool,
    input: Padded,
    /// How the gradient of the input is a convolution of the output's, if it is.
    gradient: Option<Padded>,
    /// Offset of each tap in a padded input, and in the weight.
    taps: Vec<usize>,
    weight_taps: Vec<usize>,
    /// Offset of each tap in a padded gradient, from the last tap to the first, and in the transposed weight of a group.
    gradient_taps: Vec<usize>,
    transposed_taps: Vec<usize>,
    /// Offset of each line of windows in a padded input, and in the output.
    lines: Vec<usize>,
    output_lines: Vec<usize>,
}

impl Windowed {
    fn new(conv: &Conv, window: Window, site: &Site) -> Self {
        let inputs = site.channels();
        let (outputs, groups) = (conv.out, conv.groups);
        let (per_group, out_per_group) = (inputs / groups, outputs / groups);
        let input = Padded::input(&window, inputs);
        let gradient = Padded::output(&window, outputs);
        let of_tap =
            |padded: &Padded, t: usize| padded.tap(&window, t / window.kernel[1], t % window.kernel[1]);
        let area = window.area();
        Self {
            taps: (0..area).map(|t| of_tap(&input, t)).collect(),
            weight_taps: (0..area).map(|t| t * per_group * outputs).collect(),
            gradient_taps: gradient.iter().flat_map(|g| (0..area).map(|t| of_tap(g, area - 1 - t))).collect(),
            transposed_taps: (0..area).map(|t| t * per_group * out_per_group).collect(),
            lines: (0..window.out[0]).map(|y| y * window.stride[0] * input.line()).collect(),
            output_lines: (0..window.out[0]).map(|y| y * window.out[1] * outputs).collect(),
            bias: conv.bias,
            backward: site.input_gradient,
            window,
            inputs,
            outputs,
            groups,
            per_group,
            out_per_group,
            input,
            gradient,
        }
    }

    /// Elements of an image of the input, and of the output.
    fn image(&self) -> usize {
        self.window.size[0] * self.window.size[1] * self.inputs
    }

    fn output_image(&self) -> usize {
        self.window.out[0] * self.window.out[1] * self.outputs
    }

    /// Elements for a padded image, of the input or of the output's gradient.
    fn padded_len(&self) -> usize {
        self.input.len().max(self.gradient.as_ref().map_or(0, Padded::len))
    }

    /// Elements of one unfolded line, where the gradient is folded back.
    fn line_len(&self) -> usize {
        if self.gradient.is_some() { 0 } else { self.window.out[1] * self.window.area() * self.per_group }
    }

    /// Elements of the weight.
    fn weight_len(&self) -> usize {
        self.window.area() * self.per_group * self.outputs
    }

    fn forward_image<T: Real>(&self, padded: &[T], weight: &[T], y: &mut [T]) {
        let step = self.window.stride[1] * self.inputs;
        for (&from, &to) in self.lines.iter().zip(&self.output_lines) {
            for group in 0..self.groups {
                let a = &padded[from + group * self.per_group..];
                let a = Matrix::strided(a, self.window.out[1], self.per_group, step);
                let b = &weight[group * self.out_per_group..];
                let b = Matrix::strided(b, self.per_group, self.out_per_group, self.outputs);
                let pieces = Pieces { a: &self.taps, b: &self.weight_taps };
                let y = &mut y[to + group * self.out_per_group..];
                matmul_pieces(y, self.outputs, self.bias, a, b, pieces);
            }
        }
    }

    /// Adds the gradient of an image to that of the weight.
    fn weight_gradient<T: Real>(&self, padded: &[T], dy: &[T], dweight: &mut [T]) {
        let step = self.window.stride[1] * self.inputs;
        for (&tap, &row) in self.taps.iter().zip(&self.weight_taps) {
            for group in 0..self.groups {
                let a = &padded[tap + group * self.per_group..];
                let a = Matrix::strided(a, self.window.out[1], self.per_group, step).transposed();
                let b = &dy[group * self.out_per_group..];
                let b = Matrix::strided(b, self.window.out[1], self.out_per_group, self.outputs);
                let pieces = Pieces { a: &self.lines, b: &self.output_lines };
                let out = &mut dweight[row + group * self.out_per_group..];
                matmul_pieces(out, self.outputs, true, a, b, pieces);
            }
        }
    }

    /// The weight of each tap and group transposed: group after group, `[taps, out / groups, in / groups]`.
    fn transpose_weight<T: Real>(&self, weight: &[T], to: &mut [T]) {
        let block = self.per_group * self.out_per_group;
        for (i, to) in to.chunks_exact_mut(block).enumerate() {
            let (group, tap) = (i / self.window.area(), i % self.window.area());
            let from = &weight[self.weight_taps[tap] + group * self.out_per_group..];
            transpose(Matrix::strided(from, self.per_group, self.out_per_group, self.outputs), to);
        }
    }

    /// The part of the transposed weight that belongs to a group.
    fn transposed_of<'a, T>(&self, group: usize, transposed: &'a [T]) -> &'a [T] {
        let len = self.weight_len() / self.groups;
        &transposed[group * len..][..len]
    }

    /// The gradient of the input as a convolution of the padded gradient of the output with the mirrored window.
    fn input_gradient<T: Real>(
        &self,
        g: &Padded,
        padded: &[T],
        transposed: &[T],
        accumulate: bool,
        dx: &mut [T],
    ) {
        let row = self.window.size[1] * self.inputs;
        for (y, dx) in dx.chunks_exact_mut(row).enumerate() {
            for group in 0..self.groups {
                let a = &padded[y * g.line() + group * self.out_per_group..];
                let a = Matrix::strided(a, self.window.size[1], self.out_per_group, self.outputs);
                let b =
                    Matrix::new(self.transposed_of(group, transposed), self.out_per_group, self.per_group);
                let pieces = Pieces { a: &self.gradient_taps, b: &self.transposed_taps };
                matmul_pieces(&mut dx[group * self.per_group..], self.inputs, accumulate, a, b, pieces);
            }
        }
    }

    /// With a stride: each line's gradient unfolded, then added to where it came from.
    fn fold_gradient<T: Real>(&self, dy: &[T], transposed: &[T], columns: &mut [T], dx: &mut [T]) {
        let (width, row_len) = (self.window.out[1], self.window.area() * self.per_group);
        for (oy, &from) in self.output_lines.iter().enumerate() {
            for group in 0..self.groups {
                let a = &dy[from + group * self.out_per_group..];
                let a = Matrix::strided(a, width, self.out_per_group, self.outputs);
                let transposed = self.transposed_of(group, transposed);
                let blocks = transposed.chunks_exact(self.per_group * self.out_per_group);
                for (tap, block) in blocks.enumerate() {
                    let b = Matrix::new(block, self.out_per_group, self.per_group);
                    matmul(&mut columns[tap * self.per_group..], row_len, false, a, b);
                }
                let channels =
                    Channels { all: self.inputs, first: group * self.per_group, count: self.per_group };
                T::vectorized(
                    #[inline(always)]
                    || fold(&self.window, oy, columns, channels, dx),
                );
            }
        }
    }
}

impl<T: Real> Kernel<T> for Windowed {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    /// A padded image, and an unfolded line.
    fn scratch(&self) -> usize {
        self.padded_len() + self.line_len()
    }

    /// The transposed weight, for the gradient of the input.
    fn prepared(&self) -> usize {
        if self.backward { self.weight_len() } else { 0 }
    }

    fn prepare(&self, params: &[&[T]], prepared: &mut [T]) {
        self.transpose_weight(params[0], prepared);
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, weight) = (io.input(0), io.param(0));
        if self.bias {
            start_with_bias(io.output, io.param(1));
        }
        let padded = &mut io.scratch[..self.input.len()];
        self.input.clear_border(padded);
        let images = x.chunks_exact(self.image()).zip(io.output.chunks_exact_mut(self.output_image()));
        for (x, y) in images {
            self.input.copy(x, padded);
            self.forward_image(padded, weight, y);
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy, transposed) = (io.input(0), io.grad_output(), io.prepared());
        let (padded, columns) = std::mem::take(&mut io.scratch).split_at_mut(self.padded_len());
        let dweight = io.take_grad_param(0);
        if self.bias {
            add_rows(dy, io.take_grad_param(1));
        }
        let dy = || dy.chunks_exact(self.output_image());
        self.input.clear_border(padded);
        for (x, dy) in x.chunks_exact(self.image()).zip(dy()) {
            self.input.copy(x, padded);
            self.weight_gradient(&padded[..self.input.len()], dy, dweight);
        }
        let Some(mut dx) = io.grad_input(0) else { return };
        let accumulate = dx.accumulate;
        if let Some(g) = &self.gradient {
            g.clear_border(padded);
            for (dx, dy) in dx.values.chunks_exact_mut(self.image()).zip(dy()) {
                g.copy(dy, padded);
                self.input_gradient(g, &padded[..g.len()], transposed, accumulate, dx);
            }
        } else {
            dx.start();
            for (dx, dy) in dx.values.chunks_exact_mut(self.image()).zip(dy()) {
                self.fold_gradient(dy, transposed, columns, dx);
            }
        }
    }
}
