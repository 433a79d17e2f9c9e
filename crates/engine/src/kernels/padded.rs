//! One image with zeros around it, in which every window is inside.

use super::window::Window;
use crate::Real;

/// The shape of a padded image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Padded {
    /// Of the image.
    size: [usize; 2],
    /// Zeros before it.
    before: [usize; 2],
    /// With the zeros.
    whole: [usize; 2],
    channels: usize,
}

impl Padded {
    /// For an input of `w`: padded as far as its windows reach.
    pub fn input(w: &Window, channels: usize) -> Self {
        let whole = [0, 1].map(|i| {
            let reach = (w.out[i] - 1) * w.stride[i] + (w.kernel[i] - 1) * w.dilation[i] + 1;
            reach.max(w.pad[i] + w.size[i])
        });
        Self { size: w.size, before: w.pad, whole, channels }
    }

    /// For the gradient of an output of `w`, so that the gradient of the input is a convolution of it; `None` with a stride, or
    /// with padding beyond the window, where it is none.
    pub fn output(w: &Window, channels: usize) -> Option<Self> {
        let span = |i: usize| (w.kernel[i] - 1) * w.dilation[i];
        if w.stride != [1, 1] || (0..2).any(|i| w.pad[i] > span(i)) {
            return None;
        }
        let before = [0, 1].map(|i| span(i) - w.pad[i]);
        let whole = [0, 1].map(|i| (w.size[i] + span(i)).max(before[i] + w.out[i]));
        Some(Self { size: w.out, before, whole, channels })
    }

    /// With zeros behind the image up to `least` positions in each direction.
    pub fn at_least(self, least: [usize; 2]) -> Self {
        Self { whole: [0, 1].map(|i| self.whole[i].max(least[i])), ..self }
    }

    /// Where the image begins.
    pub fn start(&self) -> usize {
        self.before[0] * self.line() + self.before[1] * self.channels
    }

    /// Elements of a padded image.
    pub fn len(&self) -> usize {
        self.whole[0] * self.whole[1] * self.channels
    }

    /// Positions of a line.
    pub fn width(&self) -> usize {
        self.whole[1]
    }

    /// Elements from one line to the next.
    pub fn line(&self) -> usize {
        self.whole[1] * self.channels
    }

    /// Where the tap `(ky, kx)` of a window of `w` lies, from the window's first element.
    pub fn tap(&self, w: &Window, ky: usize, kx: usize) -> usize {
        ky * w.dilation[0] * self.line() + kx * w.dilation[1] * self.channels
    }

    /// Zeros around the image.
    #[inline(always)]
    pub fn clear_border<T: Real>(&self, to: &mut [T]) {
        let (row, line) = (self.size[1] * self.channels, self.line());
        let (left, below) = (self.before[1] * self.channels, self.before[0] + self.size[0]);
        to[..self.before[0] * line].fill(T::ZERO);
        for inner in to[..below * line].chunks_exact_mut(line).skip(self.before[0]) {
            inner[..left].fill(T::ZERO);
            inner[left + row..].fill(T::ZERO);
        }
        to[below * line..self.len()].fill(T::ZERO);
    }

    /// Copies an image into the middle of `to`, whose border is zero.
    #[inline(always)]
    pub fn copy<T: Real>(&self, image: &[T], to: &mut [T]) {
        let row = self.size[1] * self.channels;
        for (y, line) in image.chunks_exact(row).enumerate() {
            let at = (y + self.before[0]) * self.line() + self.before[1] * self.channels;
            to[at..at + row].copy_from_slice(line);
        }
    }
}
