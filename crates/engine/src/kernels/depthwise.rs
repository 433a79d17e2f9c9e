//! Depthwise convolution: each channel filtered on its own.
//!
//! A register holds one vector of channels at one position. The channels of a vector are copied line by line to a *ring* of lines,
//! with zeros on both sides, which holds the lines under one line of windows and stays in the first-level cache; then
//! several outputs of a line are summed at once, and each loaded position serves all outputs whose windows it is in.

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
    /// Lines of the input.
    input: Ring,
    /// Lines of the output's gradient, whose positions are as far apart as windows are: the gradient of the input is a
    /// convolution of them without a stride.
    gradient: Ring,
    /// For each line of outputs the lines of the input under its windows.
    under: Vec<Taps>,
    /// For each line of inputs the lines of outputs whose windows it is in.
    over: Vec<Taps>,
}

/// The last few lines of an image of vectors, with zeros on both sides.
#[derive(Clone, Copy, Debug)]
struct Ring {
    /// Lines and positions of the image.
    size: [usize; 2],
    /// Lines that it holds.
    lines: usize,
    /// Vectors of a line.
    width: usize,
    /// Zeros before the first position.
    before: usize,
    /// Vectors from one position to the next.
    step: usize,
}

/// What a line of sums reads.
struct Taps {
    /// Lines of the image that have to have come.
    until: usize,
    /// First vector of a line in the ring, and of the window's line that goes with it.
    lines: Vec<(usize, usize)>,
}

impl Ring {
    /// Vectors.
    fn len(&self) -> usize {
        self.lines * self.width
    }

    /// Of `taps`, pairs of a line of the image and a line of a window, `kernel` vectors wide.
    fn taps(&self, taps: impl Iterator<Item = (usize, usize)> + Clone, kernel: usize) -> Taps {
        Taps {
            until: taps.clone().map(|(line, _)| line + 1).max().unwrap_or(0),
            lines: taps.map(|(line, k)| (line % self.lines * self.width, k * kernel)).collect(),
        }
    }

    /// Lets the lines of an image come until there are `until`; `come`: how many there were, and are then.
    #[inline(always)]
    fn fill<S: Simd, T: Real, const FULL: bool>(
        &self,
        columns: &Columns<S, T, FULL>,
        image: &[T],
        come: &mut usize,
        until: usize,
        ring: &mut [T],
    ) {
        while *come < until {
            self.push(columns, image, *come, ring);
            *come += 1;
        }
    }

    /// Copies the channels of a line into the place of the oldest.
    #[inline(always)]
    fn push<S: Simd, T: Real, const FULL: bool>(
        &self,
        columns: &Columns<S, T, FULL>,
        image: &[T],
        line: usize,
        ring: &mut [T],
    ) {
        let to = line % self.lines * self.width + self.before;
        for x in 0..self.size[1] {
            let value = columns.get(image, line * self.size[1] + x);
            set_vector(columns.simd, ring, to + x * self.step, value);
        }
    }
}

impl Depthwise {
    pub fn new(window: Window, channels: usize, bias: bool) -> Self {
        let w = &window;
        let span = [0, 1].map(|i| (w.kernel[i] - 1) * w.dilation[i]);
        // Blocks at the end of a line read beyond it.
        let blocks = |len: usize| len.next_multiple_of(BLOCK);
        let reach = |outputs: usize| (outputs - 1) * w.stride[1] + 1;
        let input = Ring {
            size: w.size,
            lines: span[0] + 1,
            width: (reach(blocks(w.out[1])) + span[1]).max(w.pad[1] + w.size[1]),
            before: w.pad[1],
            step: 1,
        };
        let before = span[1].saturating_sub(w.pad[1]);
        let gradient = Ring {
            size: w.out,
            lines: span[0] / w.stride[0] + 1,
            width: (blocks(w.size[1]) + span[1].max(w.pad[1])).max(before + reach(blocks(w.out[1]))),
            before,
            step: w.stride[1],
        };
        let under = |y: usize| (0..w.kernel[0]).filter_map(move |k| Some((w.tap(0, y, k)?, k)));
        let over = |x: usize| (0..w.kernel[0]).filter_map(move |k| Some((w.output(0, x, k)?, k)));
        let (under, over) = (
            (0..w.out[0]).map(|y| input.taps(under(y), w.kernel[1])).collect(),
            (0..w.size[0]).map(|x| gradient.taps(over(x), w.kernel[1])).collect(),
        );
        Self { channels, bias, input, gradient, under, over, window }
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

    /// The two rings, weights and their gradients.
    fn scratch(&self) -> usize {
        T::MOST * (self.input.len() + self.gradient.len() + 2 * self.taps())
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
        let (ring, rest) = self.scratch.split_at_mut(k.input.len() * lanes);
        let weights = &mut rest[..k.taps() * lanes];
        let [input, output] = k.images();
        let sums = Sums { width: k.window.out[1], stride: k.window.stride[1], origin: 0, window: &k.window };
        ring.fill(T::ZERO); // lines touch the middle only
        for_columns!(simd, k.channels, |columns| {
            columns.gather(self.weight, weights);
            let start = self.bias.map_or(T::splat(simd, T::ZERO), |b| columns.get(b, 0));
            for (x, y) in self.x.chunks_exact(input).zip(self.y.chunks_exact_mut(output)) {
                let mut come = 0;
                for (line, taps) in k.under.iter().enumerate() {
                    k.input.fill(&columns, x, &mut come, taps.until, ring);
                    let first = line * sums.width;
                    sums.line(
                        simd,
                        ring,
                        weights,
                        taps,
                        start,
                        #[inline(always)]
                        |at, sum| columns.put(y, first + at, sum),
                    );
                }
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
        let (ring, rest) = self.scratch.split_at_mut(k.input.len() * lanes);
        let (gradient, rest) = rest.split_at_mut(k.gradient.len() * lanes);
        let (weights, rest) = rest.split_at_mut(k.taps() * lanes);
        let dweights = &mut rest[..k.taps() * lanes];
        let [input, output] = k.images();
        let w = &k.window;
        let origin = w.pad[1].saturating_sub((w.kernel[1] - 1) * w.dilation[1]);
        let sums = Sums { width: w.size[1], stride: 1, origin, window: w };
        ring.fill(T::ZERO); // lines touch the middle only
        gradient.fill(T::ZERO);
        for_columns!(simd, k.channels, |columns| {
            columns.gather(self.weight, weights);
            mirror_lines(weights, w.kernel[1], lanes);
            dweights.fill(T::ZERO);
            for (n, (x, dy)) in self.x.chunks_exact(input).zip(self.dy.chunks_exact(output)).enumerate() {
                let mut lines =
                    Lines { x, dy, input: &mut *ring, gradient: &mut *gradient, come: 0, seen: 0 };
                if !self.dx.is_empty() {
                    let dx = &mut self.dx[n * input..][..input];
                    for (line, taps) in k.over.iter().enumerate() {
                        k.weight_gradients(&columns, &mut lines, taps.until, dweights);
                        let first = line * sums.width;
                        sums.line(
                            simd,
                            lines.gradient,
                            weights,
                            taps,
                            zero,
                            #[inline(always)]
                            |at, sum| {
                                let at = first + at;
                                let old = if self.accumulate { columns.get(dx, at) } else { zero };
                                columns.put(dx, at, T::plus(simd, old, sum));
                            },
                        );
                    }
                }
                k.weight_gradients(&columns, &mut lines, w.out[0], dweights);
            }
            for tap in 0..k.taps() {
                let sum = T::plus(simd, columns.get(self.dweight, tap), vector(simd, dweights, tap));
                columns.put(self.dweight, tap, sum);
            }
        });
    }
}

/// An image of the input and of the output's gradient, line by line in their rings.
struct Lines<'a, T> {
    x: &'a [T],
    dy: &'a [T],
    input: &'a mut [T],
    gradient: &'a mut [T],
    /// Lines of the input, and of the gradient, that have come.
    come: usize,
    seen: usize,
}

/// Reverses each line of a window, `width` vectors of `lanes` elements.
fn mirror_lines<T: Copy>(weights: &mut [T], width: usize, lanes: usize) {
    for line in weights.chunks_exact_mut(width * lanes) {
        for k in 0..width / 2 {
            let (head, tail) = line.split_at_mut((width - 1 - k) * lanes);
            head[k * lanes..][..lanes].swap_with_slice(&mut tail[..lanes]);
        }
    }
}

/// Lines of sums over windows.
struct Sums<'a> {
    window: &'a Window,
    /// Sums of a line.
    width: usize,
    /// Positions from one to the next: that of the window, or 1 for the gradient.
    stride: usize,
    /// Where the first window begins in a line of the ring.
    origin: usize,
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
    /// Calls `put` with the place and the value of each sum of a line.
    #[inline(always)]
    fn line<S: Simd, T: Real>(
        &self,
        simd: S,
        ring: &[T],
        weights: &[T],
        taps: &Taps,
        start: T::Vector<S>,
        put: impl FnMut(usize, T::Vector<S>),
    ) {
        unrolled!(self.window, self.stride, self.unrolled(simd, ring, weights, taps, start, put));
    }

    #[inline(always)]
    fn unrolled<S: Simd, T: Real, const K: usize, const STRIDE: usize>(
        &self,
        simd: S,
        ring: &[T],
        weights: &[T],
        taps: &Taps,
        start: T::Vector<S>,
        mut put: impl FnMut(usize, T::Vector<S>),
    ) {
        for x in (0..self.width).step_by(BLOCK) {
            let mut sums = [start; BLOCK];
            for &(first, of_window) in &taps.lines {
                let from = first + self.origin + x * self.stride;
                let weights = &weights[of_window * T::lanes::<S>()..];
                if K == 0 {
                    self.any_line(simd, ring, from, weights, &mut sums);
                } else {
                    line::<S, T, K, STRIDE>(simd, ring, from, weights, &mut sums);
                }
            }
            let left = self.width - x;
            for p in 0..BLOCK {
                if p < left {
                    put(x + p, sums[p]);
                }
            }
        }
    }

    /// [`line`] for windows of any shape.
    #[inline(always)]
    fn any_line<S: Simd, T: Real>(
        &self,
        simd: S,
        ring: &[T],
        from: usize,
        weights: &[T],
        sums: &mut [T::Vector<S>; BLOCK],
    ) {
        for k in 0..self.window.kernel[1] {
            let weight = vector(simd, weights, k);
            for (p, sum) in sums.iter_mut().enumerate() {
                let at = from + p * self.stride + k * self.window.dilation[1];
                *sum = T::mul_add(simd, vector(simd, ring, at), weight, *sum);
            }
        }
    }
}

/// Adds one line of `K` taps to the sums of windows `STRIDE` apart, of which the first begins at `from`.
#[inline(always)]
fn line<S: Simd, T: Real, const K: usize, const STRIDE: usize>(
    simd: S,
    ring: &[T],
    from: usize,
    weights: &[T],
    sums: &mut [T::Vector<S>; BLOCK],
) {
    let count = (BLOCK - 1) * STRIDE + K;
    let ring = &ring[from * T::lanes::<S>()..][..count * T::lanes::<S>()];
    for k in 0..K {
        let weight = vector(simd, weights, k);
        for p in 0..BLOCK {
            sums[p] = T::mul_add(simd, vector(simd, ring, p * STRIDE + k), weight, sums[p]);
        }
    }
}

impl Depthwise {
    /// Lets the lines of the gradient come until there are `until`; each gives its share of the weight's at once.
    #[inline(always)]
    fn weight_gradients<S: Simd, T: Real, const FULL: bool>(
        &self,
        columns: &Columns<S, T, FULL>,
        lines: &mut Lines<T>,
        until: usize,
        dweights: &mut [T],
    ) {
        while lines.seen < until {
            let (line, under) = (lines.seen, &self.under[lines.seen]);
            self.gradient.push(columns, lines.dy, line, lines.gradient);
            self.input.fill(columns, lines.x, &mut lines.come, under.until, lines.input);
            self.weight_gradient(columns.simd, lines.input, under, lines.gradient, line, dweights);
            lines.seen += 1;
        }
    }

    /// Adds what a line of the gradient gives to the gradient of the weight: for each tap the products with the input, summed.
    #[inline(always)]
    fn weight_gradient<S: Simd, T: Real>(
        &self,
        simd: S,
        ring: &[T],
        under: &Taps,
        gradient: &[T],
        line: usize,
        dweights: &mut [T],
    ) {
        let gradient = &gradient
            [(line % self.gradient.lines * self.gradient.width + self.gradient.before) * T::lanes::<S>()..];
        unrolled!(
            self.window,
            self.window.stride[1],
            self.weight_gradient_unrolled(simd, ring, under, gradient, dweights)
        );
    }

    #[inline(always)]
    fn weight_gradient_unrolled<S: Simd, T: Real, const K: usize, const STRIDE: usize>(
        &self,
        simd: S,
        ring: &[T],
        under: &Taps,
        gradient: &[T],
        dweights: &mut [T],
    ) {
        let (w, lanes) = (&self.window, T::lanes::<S>());
        for &(from, of_window) in &under.lines {
            let dweights = &mut dweights[of_window * lanes..][..w.kernel[1] * lanes];
            if K == 0 {
                for k in 0..w.kernel[1] {
                    let mut sum = vector(simd, dweights, k);
                    for x in 0..w.out[1] {
                        let (at, d) = (from + x * w.stride[1] + k * w.dilation[1], x * w.stride[1]);
                        sum = T::mul_add(simd, vector(simd, ring, at), vector(simd, gradient, d), sum);
                    }
                    set_vector(simd, dweights, k, sum);
                }
                continue;
            }
            let mut sums: [T::Vector<S>; K] = std::array::from_fn(|k| vector(simd, dweights, k));
            for x in (0..w.out[1]).step_by(BLOCK) {
                let gradient = &gradient[x * STRIDE * lanes..][..((BLOCK - 1) * STRIDE + 1) * lanes];
                let count = (BLOCK - 1) * STRIDE + K;
                let ring = &ring[(from + x * STRIDE) * lanes..][..count * lanes];
                for p in 0..BLOCK {
                    let d = vector(simd, gradient, p * STRIDE);
                    for k in 0..K {
                        sums[k] = T::mul_add(simd, vector(simd, ring, p * STRIDE + k), d, sums[k]);
                    }
                }
            }
            (0..K).for_each(|k| set_vector(simd, dweights, k, sums[k]));
        }
    }
}
