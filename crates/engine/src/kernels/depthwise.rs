//! Depthwise convolution: each channel filtered on its own.
//!
//! A register holds one vector of channels at one position. The channels of a vector are copied to a *plane* of their own, with
//! zeros around it, so that all windows are inside and neighbours are contiguous; then several outputs of a line are summed at
//! once, and each loaded position serves all outputs whose windows it is in.

// Loops over registers: with constant indices they are unrolled, with iterators not always.
#![allow(clippy::needless_range_loop)]

use super::columns::{Columns, for_columns, set_vector, vector};
use super::linear::add_rows;
use super::window::Window;
use super::{Backward, Forward, Kernel, Needs};
use crate::Real;
use crate::simd::arch;
use pulp::{Simd, WithSimd};

/// Outputs of a line at once.
const BLOCK: usize = 8;

pub(super) struct Depthwise {
    window: Window,
    channels: usize,
    bias: bool,
    /// The padded input.
    input: Plane,
    /// The padded gradient of the output. Without a stride, the gradient of the input is a convolution of it.
    gradient: Plane,
    /// With a stride, the gradient of the input is gathered in a plane of the input's shape.
    scatters: bool,
}

/// An image of vectors, with zeros around it.
#[derive(Clone, Copy, Debug)]
struct Plane {
    size: [usize; 2],
    before: [usize; 2],
    whole: [usize; 2],
}

impl Plane {
    /// Vectors.
    fn len(&self) -> usize {
        self.whole[0] * self.whole[1]
    }
}

impl Depthwise {
    pub fn new(window: Window, channels: usize, bias: bool) -> Self {
        let w = &window;
        let span = [0, 1].map(|i| (w.kernel[i] - 1) * w.dilation[i]);
        // Blocks at the end of a line read beyond it.
        let blocks = |len: usize| len.next_multiple_of(BLOCK);
        let reach = |outputs: usize, i: usize| (outputs - 1) * w.stride[i] + span[i] + 1;
        let input = Plane {
            size: w.size,
            before: w.pad,
            whole: [
                reach(w.out[0], 0).max(w.pad[0] + w.size[0]),
                reach(blocks(w.out[1]), 1).max(w.pad[1] + w.size[1]),
            ],
        };
        let scatters = w.stride != [1, 1] || (0..2).any(|i| w.pad[i] > span[i]);
        let before = if scatters { [0, 0] } else { [0, 1].map(|i| span[i] - w.pad[i]) };
        let gradient = Plane {
            size: w.out,
            before,
            whole: [
                (w.size[0] + span[0]).max(before[0] + w.out[0]),
                (blocks(w.size[1]) + span[1]).max(before[1] + blocks(w.out[1])),
            ],
        };
        Self { channels, bias, input, gradient, scatters, window }
    }

    fn taps(&self) -> usize {
        self.window.area()
    }

    /// Elements of an image of the input, and of the output.
    fn images(&self) -> [usize; 2] {
        [self.window.size, self.window.out].map(|size| size[0] * size[1] * self.channels)
    }
}

impl<T: Real> Kernel<T> for Depthwise {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    /// The two planes, one more if the gradient is gathered, weights and their gradients.
    fn scratch(&self) -> usize {
        let gathered = if self.scatters { self.input.len() } else { 0 };
        T::MOST * (self.input.len() + self.gradient.len() + gathered + 2 * self.taps())
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, weight) = (io.input(0), io.param(0));
        let bias = self.bias.then(|| io.param(1));
        arch().dispatch(ForwardPass { kernel: self, x, weight, bias, y: io.output, scratch: io.scratch });
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy, weight) = (io.input(0), io.grad_output(), io.param(0));
        let dweight = io.take_grad_param(0);
        if self.bias {
            add_rows(dy, io.take_grad_param(1));
        }
        let scratch = std::mem::take(&mut io.scratch);
        let (dx, accumulate) = io.grad_input(0).map_or((&mut [][..], false), |g| (g.values, g.accumulate));
        arch().dispatch(BackwardPass { kernel: self, x, dy, weight, dweight, dx, accumulate, scratch });
    }
}

struct ForwardPass<'a, T> {
    kernel: &'a Depthwise,
    x: &'a [T],
    weight: &'a [T],
    bias: Option<&'a [T]>,
    y: &'a mut [T],
    scratch: &'a mut [T],
}

struct BackwardPass<'a, T> {
    kernel: &'a Depthwise,
    x: &'a [T],
    dy: &'a [T],
    weight: &'a [T],
    dweight: &'a mut [T],
    /// Empty if nobody wants it.
    dx: &'a mut [T],
    accumulate: bool,
    scratch: &'a mut [T],
}

impl<T: Real> WithSimd for ForwardPass<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let k = self.kernel;
        let lanes = T::lanes::<S>();
        let (plane, rest) = self.scratch.split_at_mut(k.input.len() * lanes);
        let weights = &mut rest[..k.taps() * lanes];
        let [input, output] = k.images();
        plane.fill(T::ZERO); // filling touches the middle only
        for_columns!(simd, k.channels, |columns| {
            columns.gather(self.weight, weights);
            let start = self.bias.map_or(T::splat(simd, T::ZERO), |b| columns.get(b, 0));
            for (x, y) in self.x.chunks_exact(input).zip(self.y.chunks_exact_mut(output)) {
                k.input.fill(&columns, x, plane);
                let sums = Sums {
                    window: &k.window,
                    stride: k.window.stride,
                    out: k.window.out,
                    line: k.input.whole[1],
                };
                sums.each(simd, plane, weights, start, |at, sum| columns.put(y, at, sum));
            }
        });
    }
}

impl<T: Real> WithSimd for BackwardPass<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let k = self.kernel;
        let (lanes, zero) = (T::lanes::<S>(), T::splat(simd, T::ZERO));
        let (plane, rest) = self.scratch.split_at_mut(k.input.len() * lanes);
        let (gradient, rest) = rest.split_at_mut(k.gradient.len() * lanes);
        let (weights, rest) = rest.split_at_mut(k.taps() * lanes);
        let (dweights, gathered) = rest.split_at_mut(k.taps() * lanes);
        let [input, output] = k.images();
        plane.fill(T::ZERO); // filling touches the middle only
        gradient.fill(T::ZERO);
        for_columns!(simd, k.channels, |columns| {
            columns.gather(self.weight, weights);
            if !k.scatters {
                // The window of the gradient is mirrored.
                let (taps, half) = (k.taps(), k.taps() / 2);
                for tap in 0..half {
                    let (head, tail) = weights.split_at_mut((taps - 1 - tap) * lanes);
                    head[tap * lanes..][..lanes].swap_with_slice(&mut tail[..lanes]);
                }
            }
            dweights.fill(T::ZERO);
            for (n, (x, dy)) in self.x.chunks_exact(input).zip(self.dy.chunks_exact(output)).enumerate() {
                k.input.fill(&columns, x, plane);
                k.gradient.fill(&columns, dy, gradient);
                k.weight_gradient(simd, plane, gradient, dweights);
                if self.dx.is_empty() {
                    continue;
                }
                let dx = &mut self.dx[n * input..][..input];
                let put = |dx: &mut [T], at: usize, sum: T::Vector<S>| {
                    let sum = if self.accumulate { T::plus(simd, columns.get(dx, at), sum) } else { sum };
                    columns.put(dx, at, sum);
                };
                if k.scatters {
                    let gathered = &mut gathered[..k.input.len() * lanes];
                    k.scatter(simd, gradient, weights, gathered);
                    for (row, y) in (0..k.window.size[0]).map(|y| (y, y + k.window.pad[0])) {
                        for x in 0..k.window.size[1] {
                            let at = y * k.input.whole[1] + x + k.window.pad[1];
                            put(dx, row * k.window.size[1] + x, vector(simd, gathered, at));
                        }
                    }
                } else {
                    let sums = Sums {
                        window: &k.window,
                        stride: [1, 1],
                        out: k.window.size,
                        line: k.gradient.whole[1],
                    };
                    sums.each(simd, gradient, weights, zero, |at, sum| put(dx, at, sum));
                }
            }
            for tap in 0..k.taps() {
                let sum = T::plus(simd, columns.get(self.dweight, tap), vector(simd, dweights, tap));
                columns.put(self.dweight, tap, sum);
            }
        });
    }
}

impl Plane {
    /// Copies the channels of an image into the middle.
    #[inline(always)]
    fn fill<S: Simd, T: Real, const FULL: bool>(
        &self,
        columns: &Columns<S, T, FULL>,
        image: &[T],
        plane: &mut [T],
    ) {
        for y in 0..self.size[0] {
            let to = (y + self.before[0]) * self.whole[1] + self.before[1];
            for x in 0..self.size[1] {
                let value = columns.get(image, y * self.size[1] + x);
                set_vector(columns.simd, plane, to + x, value);
            }
        }
    }
}

/// Sums over windows of a plane.
struct Sums<'a> {
    window: &'a Window,
    /// That of the window, or none for the gradient.
    stride: [usize; 2],
    /// Sums in each direction.
    out: [usize; 2],
    /// Vectors from one line of the plane to the next.
    line: usize,
}

/// Calls `$f::<K, STRIDE>` for the usual widths and strides of windows, whose loops are unrolled; `<0, 0>` stands for any.
macro_rules! unrolled {
    ($window:expr, $stride:expr, $self:ident . $f:ident ( $($argument:expr),* )) => {
        match ($window.kernel[1], $stride, $window.dilation[1]) {
            (3, 1, 1) => $self.$f::<S, T, 3, 1>($($argument),*),
            (5, 1, 1) => $self.$f::<S, T, 5, 1>($($argument),*),
            (7, 1, 1) => $self.$f::<S, T, 7, 1>($($argument),*),
            (3, 2, 1) => $self.$f::<S, T, 3, 2>($($argument),*),
            (5, 2, 1) => $self.$f::<S, T, 5, 2>($($argument),*),
            _ => $self.$f::<S, T, 0, 0>($($argument),*),
        }
    };
}

impl Sums<'_> {
    /// Calls `put` with the place and the value of each sum.
    #[inline(always)]
    fn each<S: Simd, T: Real>(
        &self,
        simd: S,
        plane: &[T],
        weights: &[T],
        start: T::Vector<S>,
        put: impl FnMut(usize, T::Vector<S>),
    ) {
        unrolled!(self.window, self.stride[1], self.unrolled(simd, plane, weights, start, put));
    }

    #[inline(always)]
    fn unrolled<S: Simd, T: Real, const K: usize, const STRIDE: usize>(
        &self,
        simd: S,
        plane: &[T],
        weights: &[T],
        start: T::Vector<S>,
        mut put: impl FnMut(usize, T::Vector<S>),
    ) {
        let (w, width) = (self.window, self.out[1]);
        for y in 0..self.out[0] {
            for x in (0..width).step_by(BLOCK) {
                let mut sums = [start; BLOCK];
                for ky in 0..w.kernel[0] {
                    let from = (y * self.stride[0] + ky * w.dilation[0]) * self.line + x * self.stride[1];
                    let weights = &weights[ky * w.kernel[1] * T::lanes::<S>()..];
                    if K == 0 {
                        self.any_line(simd, plane, from, weights, &mut sums);
                    } else {
                        line::<S, T, K, STRIDE>(simd, plane, from, weights, &mut sums);
                    }
                }
                let to = y * width + x;
                (0..BLOCK.min(width - x)).for_each(|p| put(to + p, sums[p]));
            }
        }
    }

    /// [`line`] for windows of any shape.
    #[inline(always)]
    fn any_line<S: Simd, T: Real>(
        &self,
        simd: S,
        plane: &[T],
        from: usize,
        weights: &[T],
        sums: &mut [T::Vector<S>; BLOCK],
    ) {
        for k in 0..self.window.kernel[1] {
            let weight = vector(simd, weights, k);
            for (p, sum) in sums.iter_mut().enumerate() {
                let at = from + p * self.stride[1] + k * self.window.dilation[1];
                *sum = T::mul_add(simd, vector(simd, plane, at), weight, *sum);
            }
        }
    }
}

/// Adds one line of `K` taps to the sums of windows `STRIDE` apart, of which the first begins at `from`.
#[inline(always)]
fn line<S: Simd, T: Real, const K: usize, const STRIDE: usize>(
    simd: S,
    plane: &[T],
    from: usize,
    weights: &[T],
    sums: &mut [T::Vector<S>; BLOCK],
) {
    let count = (BLOCK - 1) * STRIDE + K;
    let plane = &plane[from * T::lanes::<S>()..][..count * T::lanes::<S>()];
    for k in 0..K {
        let weight = vector(simd, weights, k);
        for p in 0..BLOCK {
            sums[p] = T::mul_add(simd, vector(simd, plane, p * STRIDE + k), weight, sums[p]);
        }
    }
}

impl Depthwise {
    /// Adds the gradient of the weight of an image: for each tap the products of gradient and input, summed.
    #[inline(always)]
    fn weight_gradient<S: Simd, T: Real>(&self, simd: S, plane: &[T], gradient: &[T], dweights: &mut [T]) {
        unrolled!(
            self.window,
            self.window.stride[1],
            self.weight_gradient_unrolled(simd, plane, gradient, dweights)
        );
    }

    #[inline(always)]
    fn weight_gradient_unrolled<S: Simd, T: Real, const K: usize, const STRIDE: usize>(
        &self,
        simd: S,
        plane: &[T],
        gradient: &[T],
        dweights: &mut [T],
    ) {
        let (w, lanes) = (&self.window, T::lanes::<S>());
        for y in 0..w.out[0] {
            let dy = (y + self.gradient.before[0]) * self.gradient.whole[1] + self.gradient.before[1];
            for ky in 0..w.kernel[0] {
                let from = (y * w.stride[0] + ky * w.dilation[0]) * self.input.whole[1];
                let dweights = &mut dweights[ky * w.kernel[1] * lanes..][..w.kernel[1] * lanes];
                if K == 0 {
                    for k in 0..w.kernel[1] {
                        let mut sum = vector(simd, dweights, k);
                        for x in 0..w.out[1] {
                            let x_at = from + x * w.stride[1] + k * w.dilation[1];
                            let (x, d) = (vector(simd, plane, x_at), vector(simd, gradient, dy + x));
                            sum = T::mul_add(simd, x, d, sum);
                        }
                        set_vector(simd, dweights, k, sum);
                    }
                    continue;
                }
                let mut sums: [T::Vector<S>; K] = std::array::from_fn(|k| vector(simd, dweights, k));
                for x in (0..w.out[1]).step_by(BLOCK) {
                    let gradient = &gradient[(dy + x) * lanes..][..BLOCK * lanes];
                    let count = (BLOCK - 1) * STRIDE + K;
                    let plane = &plane[(from + x * STRIDE) * lanes..][..count * lanes];
                    for p in 0..BLOCK {
                        let d = vector(simd, gradient, p);
                        for k in 0..K {
                            sums[k] = T::mul_add(simd, vector(simd, plane, p * STRIDE + k), d, sums[k]);
                        }
                    }
                }
                (0..K).for_each(|k| set_vector(simd, dweights, k, sums[k]));
            }
        }
    }

    /// `to` becomes the gradient of the padded input: each output's, spread over its window.
    #[inline(always)]
    fn scatter<S: Simd, T: Real>(&self, simd: S, gradient: &[T], weights: &[T], to: &mut [T]) {
        let w = &self.window;
        to.fill(T::ZERO);
        for y in 0..w.out[0] {
            for ky in 0..w.kernel[0] {
                let line = (y * w.stride[0] + ky * w.dilation[0]) * self.input.whole[1];
                for x in 0..w.out[1] {
                    let d = vector(simd, gradient, y * self.gradient.whole[1] + x);
                    for kx in 0..w.kernel[1] {
                        let at = line + x * w.stride[1] + kx * w.dilation[1];
                        let weight = vector(simd, weights, ky * w.kernel[1] + kx);
                        let sum = T::mul_add(simd, d, weight, vector(simd, to, at));
                        set_vector(simd, to, at, sum);
                    }
                }
            }
        }
    }
}
