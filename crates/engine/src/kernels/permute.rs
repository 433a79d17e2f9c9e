//! Another order of axes.

use super::{Backward, Forward, Kernel, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Permute;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let order = &op.downcast::<Permute>()?.0;
    Some(Box::new(PermuteKernel::new(order, site.inputs[0].shape())))
}

/// The output in rows along its last axis, where axes that stay neighbours count as one.
struct PermuteKernel {
    /// Where each row of a sample of the output begins in the input.
    starts: Vec<usize>,
    /// Elements of a row.
    row: usize,
    /// Distance of a row's elements in the input.
    stride: usize,
}

impl PermuteKernel {
    fn new(order: &[usize], shape: &[usize]) -> Self {
        let stride = |axis: usize| shape[axis + 1..].iter().product::<usize>();
        // Size and stride in the input of each axis of the output, merged with the one before where a step along that is a
        // whole turn of this.
        let mut axes: Vec<(usize, usize)> = vec![(1, shape.iter().product())];
        for &axis in order.iter().filter(|&&axis| shape[axis] > 1) {
            match axes.last_mut() {
                Some((size, step)) if *step == shape[axis] * stride(axis) => {
                    (*size, *step) = (*size * shape[axis], stride(axis));
                }
                _ => axes.push((shape[axis], stride(axis))),
            }
        }
        let (row, stride) = axes.pop().unwrap_or((1, 1));
        let starts = axes.iter().fold(vec![0], |starts, &(size, step)| {
            starts.iter().flat_map(|start| (0..size).map(move |i| start + i * step)).collect()
        });
        Self { starts, row, stride }
    }

    /// Elements of a sample.
    fn sample(&self) -> usize {
        self.starts.len() * self.row
    }
}

impl<T: Real> Kernel<T> for PermuteKernel {
    fn is_cheap(&self) -> bool {
        true
    }

    fn forward(&self, io: Forward<'_, T>) {
        let x = io.input(0).chunks_exact(self.sample());
        for (y, x) in io.output.chunks_exact_mut(self.sample()).zip(x) {
            for (y, &start) in y.chunks_exact_mut(self.row).zip(&self.starts) {
                if self.stride == 1 {
                    y.copy_from_slice(&x[start..start + self.row]);
                } else {
                    y.iter_mut().zip(x[start..].iter().step_by(self.stride)).for_each(|(y, &x)| *y = x);
                }
            }
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let dy = io.grad_output();
        let Some(mut dx) = io.grad_input(0) else { return };
        dx.start();
        let samples = dx.values.chunks_exact_mut(self.sample()).zip(dy.chunks_exact(self.sample()));
        for (dx, dy) in samples {
            for (dy, &start) in dy.chunks_exact(self.row).zip(&self.starts) {
                let dx = dx[start..].iter_mut().step_by(self.stride);
                dx.zip(dy).for_each(|(dx, &d)| *dx += d);
            }
        }
    }
}
