//! Windows over one or two spatial axes, and their unfolding into the rows of a matrix.

use super::Site;
use crate::Real;

/// A sliding window; one spatial axis counts as two of which the first has size 1.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub size: [usize; 2],
    pub out: [usize; 2],
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub pad: [usize; 2],
}

impl Window {
    pub fn new(site: &Site, kernel: &[usize], stride: &[usize], dilation: &[usize], pad: &[usize]) -> Self {
        let two = |axes: &[usize], missing: usize| match axes {
            [x] => [missing, *x],
            _ => [axes[0], axes[1]],
        };
        Self {
            size: two(site.inputs[0].spatial(), 1),
            out: two(site.output.spatial(), 1),
            kernel: two(kernel, 1),
            stride: two(stride, 1),
            dilation: two(dilation, 1),
            pad: two(&pad[..kernel.len()], 0),
        }
    }

    /// Where tap `k` of output position `o` lies on an axis; `None` in the padding.
    #[inline(always)]
    pub fn tap(&self, axis: usize, o: usize, k: usize) -> Option<usize> {
        let at = (o * self.stride[axis] + k * self.dilation[axis]).checked_sub(self.pad[axis])?;
        (at < self.size[axis]).then_some(at)
    }

    /// The input positions of output position `o` on an axis.
    #[inline(always)]
    pub fn taps(&self, axis: usize, o: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        (0..self.kernel[axis]).filter_map(move |k| self.tap(axis, o, k))
    }

    /// Output positions of which tap `k` lies inside the input, on an axis.
    #[inline(always)]
    pub fn inside(&self, axis: usize, k: usize) -> std::ops::Range<usize> {
        let reach = k * self.dilation[axis];
        let first = self.pad[axis].saturating_sub(reach).div_ceil(self.stride[axis]);
        let past = (self.size[axis] + self.pad[axis]).saturating_sub(reach).div_ceil(self.stride[axis]);
        let past = past.min(self.out[axis]);
        first.min(past)..past
    }

    /// Whether every output is one input position: a 1x1 window without stride or padding.
    pub fn is_identity(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.pad == [0, 0] && self.size == self.out
    }

    /// Taps of the whole window.
    pub fn area(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }
}

/// A line of output positions: one image of the batch, one row.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub image: usize,
    pub oy: usize,
}

/// The channels of a group within those of the value.
#[derive(Clone, Copy)]
pub(crate) struct Channels {
    pub all: usize,
    pub first: usize,
    pub count: usize,
}

/// Unfolds a line: row `ox` of `columns` holds, tap after tap, the channels under the window at `ox`; zeros in the padding.
#[inline(always)]
pub(crate) fn unfold<T: Real>(w: &Window, line: Line, x: &[T], c: Channels, columns: &mut [T]) {
    let row_len = w.area() * c.count;
    let dense = c.count == c.all && w.dilation[1] == 1;
    for ky in 0..w.kernel[0] {
        let taps = ky * w.kernel[1] * c.count;
        let Some(y) = w.tap(0, line.oy, ky) else {
            let rows = columns.chunks_exact_mut(row_len);
            rows.for_each(|row| row[taps..taps + w.kernel[1] * c.count].fill(T::ZERO));
            continue;
        };
        let source = &x[(line.image * w.size[0] + y) * w.size[1] * c.all..][..w.size[1] * c.all];
        for (ox, row) in columns.chunks_exact_mut(row_len).enumerate() {
            let row = &mut row[taps..taps + w.kernel[1] * c.count];
            let start = (ox * w.stride[1]).wrapping_sub(w.pad[1]);
            if dense && start < w.size[1] && start + w.kernel[1] <= w.size[1] {
                copy_short(row, &source[start * c.all..][..w.kernel[1] * c.all]);
                continue;
            }
            for (kx, cell) in row.chunks_exact_mut(c.count).enumerate() {
                match w.tap(1, ox, kx) {
                    Some(at) => copy_short(cell, &source[at * c.all + c.first..][..c.count]),
                    None => cell.fill(T::ZERO),
                }
            }
        }
    }
}

/// The transpose of [`unfold`]: adds every entry of `columns` to where it came from.
#[inline(always)]
pub(crate) fn fold<T: Real>(w: &Window, line: Line, columns: &[T], c: Channels, dx: &mut [T]) {
    let row_len = w.area() * c.count;
    let dense = c.count == c.all && w.dilation[1] == 1;
    for ky in 0..w.kernel[0] {
        let Some(y) = w.tap(0, line.oy, ky) else { continue };
        let taps = ky * w.kernel[1] * c.count;
        let target = &mut dx[(line.image * w.size[0] + y) * w.size[1] * c.all..][..w.size[1] * c.all];
        for (ox, row) in columns.chunks_exact(row_len).enumerate() {
            let row = &row[taps..taps + w.kernel[1] * c.count];
            let start = (ox * w.stride[1]).wrapping_sub(w.pad[1]);
            if dense && start < w.size[1] && start + w.kernel[1] <= w.size[1] {
                let target = &mut target[start * c.all..][..w.kernel[1] * c.all];
                target.iter_mut().zip(row).for_each(|(t, &v)| *t += v);
                continue;
            }
            for (kx, cell) in row.chunks_exact(c.count).enumerate() {
                let Some(at) = w.tap(1, ox, kx) else { continue };
                let target = &mut target[at * c.all + c.first..][..c.count];
                target.iter_mut().zip(cell).for_each(|(t, &v)| *t += v);
            }
        }
    }
}

/// Copies a few dozen elements, vector by vector: a call of the library's copy would cost more than the copy.
#[inline(always)]
fn copy_short<T: Copy>(to: &mut [T], from: &[T]) {
    let ((to, to_rest), (from, from_rest)) = (to.as_chunks_mut::<16>(), from.as_chunks::<16>());
    to.iter_mut().zip(from).for_each(|(t, f)| *t = *f);
    let ((to, to_rest), (from, from_rest)) = (to_rest.as_chunks_mut::<4>(), from_rest.as_chunks::<4>());
    to.iter_mut().zip(from).for_each(|(t, f)| *t = *f);
    to_rest.iter_mut().zip(from_rest).for_each(|(t, f)| *t = *f);
}
