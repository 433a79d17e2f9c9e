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

    /// Whether every output is one input position: a 1x1 window without stride or padding.
    pub fn is_identity(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.pad == [0, 0] && self.size == self.out
    }

    /// Taps of the whole window.
    pub fn area(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }
}
