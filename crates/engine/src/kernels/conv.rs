//! Convolution: a matrix product for 1x1, unfolding and a matrix product otherwise, and depthwise on its own.

use super::depthwise::Depthwise;
use super::im2col::{Channels, Line, Window, fold, unfold};
use super::linear::{Dense, start_with_bias, sum_rows};
use super::{Backward, Forward, Kernel, Needs, Site};
use crate::matmul::{Matrix, matmul, transpose};
use crate::{Real, vectorized};
use nasmyth_graph::Op;
use nasmyth_graph::ops::Conv;

/// Elements of unfolded input at once: a share of the second-level cache.
const PANEL: usize = 48 << 10;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let conv = op.downcast::<Conv>()?;
    let window = Window::new(site, &conv.kernel, &conv.stride, &conv.dilation, &conv.pad);
    let inputs = site.channels();
    if conv.groups == 1 && window.is_identity() {
        return Some(Box::new(Dense { rows: site.rows(), inputs, outputs: conv.out, bias: conv.bias }));
    }
    if conv.is_depthwise(inputs) {
        return Some(Box::new(Depthwise { window, channels: inputs, batch: site.batch, bias: conv.bias }));
    }
    let (per_group, out_per_group) = (inputs / conv.groups, conv.out / conv.groups);
    Some(Box::new(Unfolded {
        columns: window.area() * per_group,
        lines: site.batch * window.out[0],
        window,
        inputs,
        outputs: conv.out,
        groups: conv.groups,
        per_group,
        out_per_group,
        bias: conv.bias,
    }))
}

/// Convolution by unfolding a few lines at a time.
struct Unfolded {
    window: Window,
    inputs: usize,
    outputs: usize,
    groups: usize,
    /// Input and output channels of one group.
    per_group: usize,
    out_per_group: usize,
    /// Columns of the unfolded input of one group.
    columns: usize,
    /// Lines of output over the batch.
    lines: usize,
    bias: bool,
}

/// A few lines of output, as rows of a matrix.
struct Panel {
    first_line: usize,
    lines: usize,
    first_row: usize,
    rows: usize,
}

impl Unfolded {
    fn lines_at_once(&self) -> usize {
        (PANEL / (self.window.out[1] * self.columns)).clamp(1, self.lines)
    }

    fn panel_len(&self) -> usize {
        self.lines_at_once() * self.window.out[1] * self.columns
    }

    fn panels(&self) -> impl Iterator<Item = Panel> + '_ {
        let (at_once, width) = (self.lines_at_once(), self.window.out[1]);
        (0..self.lines).step_by(at_once).map(move |first_line| {
            let lines = at_once.min(self.lines - first_line);
            Panel { first_line, lines, first_row: first_line * width, rows: lines * width }
        })
    }

    fn line(&self, i: usize) -> Line {
        Line { image: i / self.window.out[0], oy: i % self.window.out[0] }
    }

    fn channels(&self, group: usize) -> Channels {
        Channels { all: self.inputs, first: group * self.per_group, count: self.per_group }
    }

    fn unfold_panel<T: Real>(&self, panel: &Panel, group: usize, x: &[T], columns: &mut [T]) {
        let line_len = self.window.out[1] * self.columns;
        vectorized(|| {
            for (i, columns) in columns[..panel.rows * self.columns].chunks_exact_mut(line_len).enumerate() {
                unfold(&self.window, self.line(panel.first_line + i), x, self.channels(group), columns);
            }
        });
    }

    fn fold_panel<T: Real>(&self, panel: &Panel, group: usize, columns: &[T], dx: &mut [T]) {
        let line_len = self.window.out[1] * self.columns;
        vectorized(|| {
            for i in 0..panel.lines {
                let columns = &columns[i * line_len..][..line_len];
                fold(&self.window, self.line(panel.first_line + i), columns, self.channels(group), dx);
            }
        });
    }

    /// The weight of a group as a matrix `[columns, out / groups]`.
    fn weight<'a, T>(&self, group: usize, weight: &'a [T]) -> Matrix<'a, T> {
        Matrix::strided(&weight[group * self.out_per_group..], self.columns, self.out_per_group, self.outputs)
    }

    /// The rows of a panel of the output or its gradient, one group's channels.
    fn rows<'a, T>(&self, panel: &Panel, group: usize, y: &'a [T]) -> Matrix<'a, T> {
        let start = panel.first_row * self.outputs + group * self.out_per_group;
        Matrix::strided(&y[start..], panel.rows, self.out_per_group, self.outputs)
    }
}

impl<T: Real> Kernel<T> for Unfolded {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    /// A panel, and the transposed weights of all groups for the gradient of the input.
    fn scratch(&self) -> usize {
        self.panel_len() + self.columns * self.outputs
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, weight) = (io.input(0), io.param(0));
        if self.bias {
            start_with_bias(io.output, io.param(1));
        }
        for panel in self.panels() {
            for group in 0..self.groups {
                self.unfold_panel(&panel, group, x, io.scratch);
                let start = panel.first_row * self.outputs + group * self.out_per_group;
                let columns = Matrix::new(io.scratch, panel.rows, self.columns);
                matmul(&mut io.output[start..], self.outputs, self.bias, columns, self.weight(group, weight));
            }
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy, weight) = (io.input(0), io.grad_output(), io.param(0));
        let (scratch, transposed) = std::mem::take(&mut io.scratch).split_at_mut(self.panel_len());
        let weight_len = self.columns * self.out_per_group;
        let dweight = io.take_grad_param(0);
        if self.bias {
            sum_rows(dy, io.take_grad_param(1));
        }
        let mut dx = io.grad_input(0);
        if let Some(dx) = dx.as_mut() {
            dx.start();
            for (group, transposed) in transposed.chunks_exact_mut(weight_len).enumerate() {
                transpose(self.weight(group, weight), transposed);
            }
        }
        for panel in self.panels() {
            for group in 0..self.groups {
                self.unfold_panel(&panel, group, x, scratch);
                let columns = Matrix::new(scratch, panel.rows, self.columns).transposed();
                let dy = self.rows(&panel, group, dy);
                let start = group * self.out_per_group;
                matmul(&mut dweight[start..], self.outputs, panel.first_line > 0, columns, dy);
                let Some(dx) = dx.as_mut() else { continue };
                let transposed = &transposed[group * weight_len..][..weight_len];
                matmul(
                    scratch,
                    self.columns,
                    false,
                    dy,
                    Matrix::new(transposed, self.out_per_group, self.columns),
                );
                self.fold_panel(&panel, group, scratch, dx.values);
            }
        }
    }
}
