//! Windows over one or two spatial axes.

use super::Site;

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
    /// From the first input of `site` to its output.
    pub fn new(site: &Site, kernel: &[usize], stride: &[usize], dilation: &[usize], pad: &[usize]) -> Self {
        Self::between(site.inputs[0].spatial(), site.output.spatial(), kernel, stride, dilation, pad)
    }

    /// From spatial axes of `size` to `out`. Of `pad` the begin of each axis counts.
    pub fn between(
        size: &[usize],
        out: &[usize],
        kernel: &[usize],
        stride: &[usize],
        dilation: &[usize],
        pad: &[usize],
    ) -> Self {
        let two = |axes: &[usize], missing: usize| match axes {
            [x] => [missing, *x],
            _ => [axes[0], axes[1]],
        };
        Self {
            size: two(size, 1),
            out: two(out, 1),
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

    /// The output position whose tap `k` lies at input position `i` on an axis, if there is one.
    pub fn output(&self, axis: usize, i: usize, k: usize) -> Option<usize> {
        let at = (i + self.pad[axis]).checked_sub(k * self.dilation[axis])?;
        let o = at / self.stride[axis];
        (at % self.stride[axis] == 0 && o < self.out[axis]).then_some(o)
    }

    /// The input positions of output position `o` on an axis.
    #[inline(always)]
    pub fn taps(&self, axis: usize, o: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        (0..self.kernel[axis]).filter_map(move |k| self.tap(axis, o, k))
    }

    /// Input positions over all samples under the window of output position `to`, line by line.
    #[inline(always)]
    pub fn under(&self, to: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        let (n, oy, ox) =
            (to / (self.out[0] * self.out[1]), to / self.out[1] % self.out[0], to % self.out[1]);
        let line = move |y: usize| (n * self.size[0] + y) * self.size[1];
        self.taps(0, oy).flat_map(move |y| self.taps(1, ox).map(move |x| line(y) + x))
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
