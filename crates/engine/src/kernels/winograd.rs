//! 3x3 convolution with fewer multiplications: F(4x4, 3x3) and F(2x2, 3x3) of Winograd's minimal filtering (Lavin and Gray 2016,
//! sections 4.1 and 4.3).
//!
//! An output tile of `OUT` x `OUT` comes from an input tile of `IN` x `IN`, `IN = OUT + 2`, as `Y = A' ((G g G') * (B' d B)) A`, where
//! `*` multiplies element by element: for each element a matrix product over the channels, with 36 multiplications for what takes
//! 144 by the definition, or 16 for 36. The gradient of the weight is the transposed formula, `G' ((B' d B) * (A dY A')) G`.

// Loops over registers: with constant indices they are unrolled, with iterators not always.
#![allow(clippy::needless_range_loop)]

use super::columns::{Columns, for_columns};
use super::linear::{add_rows, start_with_bias};
use super::padded::Padded;
use super::window::Window;
use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use crate::matmul::{Matrix, matmul, transpose};
use crate::simd::arch;
use pulp::{Simd, WithSimd};

/// Tiles whose transforms should be in cache at once.
const STRIP: usize = 64;

/// Fewest channels for which the products outweigh the transforms.
const CHANNELS: usize = 12;

/// Fewest tiles of an image that the products with 36 weights of a filter are worth.
const TILES: usize = 16;

/// The kernel for a convolution without groups, or `None` if another way is better.
pub(super) fn lower<T: Real>(
    window: &Window,
    site: &Site,
    outputs: usize,
    bias: bool,
) -> Option<Box<dyn Kernel<T>>> {
    let plain = window.kernel == [3, 3] && window.stride == [1, 1] && window.dilation == [1, 1];
    if !plain || site.channels() < CHANNELS || outputs < CHANNELS || window.out.contains(&1) {
        return None;
    }
    let tiles = |out: usize| window.out.iter().map(|n| n / out).product::<usize>();
    if tiles(4) >= TILES {
        Some(Box::new(Winograd::<4, 6>::new(window, site, outputs, bias)?))
    } else {
        Some(Box::new(Winograd::<2, 4>::new(window, site, outputs, bias)?))
    }
}

struct Winograd<const OUT: usize, const IN: usize> {
    size: [usize; 2],
    out: [usize; 2],
    inputs: usize,
    outputs: usize,
    bias: bool,
    /// Whether the gradient of the input is wanted.
    backward: bool,
    input: Padded,
    gradient: Padded,
}

impl<const OUT: usize, const IN: usize> Winograd<OUT, IN> {
    /// Elements of a transformed tile.
    const AREA: usize = IN * IN;

    fn new(window: &Window, site: &Site, outputs: usize, bias: bool) -> Option<Self> {
        let inputs = site.channels();
        let whole = |len: [usize; 2]| len.map(|n| n.next_multiple_of(OUT) + IN - OUT);
        let both = [0, 1].map(|i| window.size[i].max(window.out[i]));
        Some(Self {
            size: window.size,
            out: window.out,
            inputs,
            outputs,
            bias,
            backward: site.input_gradient,
            input: Padded::input(window, inputs).at_least(whole(window.out)),
            gradient: Padded::output(window, outputs)?.at_least(whole(both)),
        })
    }

    fn weight_len(&self) -> usize {
        self.inputs * self.outputs
    }

    /// Elements of an image of the input, and of the output.
    fn images(&self) -> [usize; 2] {
        [self.size[0] * self.size[1] * self.inputs, self.out[0] * self.out[1] * self.outputs]
    }

    /// Rows of a matrix of transformed tiles.
    fn most_tiles(&self) -> usize {
        [self.out, self.size].map(|out| Strips::of::<OUT>(out).pitch()).into_iter().max().unwrap_or(0)
    }

    /// `y (+)= x` filtered with the transformed weight `u`, for one padded image.
    fn filter<T: Real>(&self, f: Filter<'_, T>, y: &mut [T], v: &mut [T], m: &mut [T])
    where
        InputRows: Transform<IN, IN>,
        OutputRows: Transform<IN, OUT>,
    {
        let strips = Strips::of::<OUT>(f.out);
        for strip in strips.each() {
            let tiles = strip.tiles();
            let from = &f.image[strip.first * OUT * f.padded.line()..];
            arch().dispatch(InputTransform::<T, OUT, IN> {
                strip,
                line: f.padded.width(),
                channels: f.inputs,
                from,
                to: v,
            });
            for xi in 0..Self::AREA {
                let v = Matrix::new(&v[xi * strip.pitch() * f.inputs..], tiles, f.inputs);
                let u = Matrix::new(&f.u[xi * self.weight_len()..], f.inputs, f.outputs);
                matmul(&mut m[xi * strip.pitch() * f.outputs..], f.outputs, false, v, u);
            }
            let rows = (f.out[0] - strip.first * OUT).min(strip.rows * OUT);
            let to = &mut y[strip.first * OUT * f.out[1] * f.outputs..][..rows * f.out[1] * f.outputs];
            let out = [rows, f.out[1]];
            arch().dispatch(OutputTransform::<T, OUT, IN> {
                strip,
                out,
                channels: f.outputs,
                add: f.add,
                from: m,
                to,
            });
        }
    }

    /// Adds the transformed gradient of the weight of one image to `du`.
    fn weight_gradient<T: Real>(&self, x: &[T], dy: &[T], v: &mut [T], w: &mut [T], du: &mut [T])
    where
        InputRows: Transform<IN, IN>,
        GradientRows: Transform<OUT, IN>,
    {
        for strip in Strips::of::<OUT>(self.out).each() {
            let tiles = strip.tiles();
            let from = &x[strip.first * OUT * self.input.line()..];
            let line = self.input.width();
            arch().dispatch(InputTransform::<T, OUT, IN> { strip, line, channels: self.inputs, from, to: v });
            let from = &dy[self.gradient.start() + strip.first * OUT * self.gradient.line()..];
            let line = self.gradient.width();
            arch().dispatch(GradientTransform::<T, OUT, IN> {
                strip,
                line,
                channels: self.outputs,
                from,
                to: w,
            });
            for xi in 0..Self::AREA {
                let v = Matrix::new(&v[xi * strip.pitch() * self.inputs..], tiles, self.inputs);
                let w = Matrix::new(&w[xi * strip.pitch() * self.outputs..], tiles, self.outputs);
                matmul(&mut du[xi * self.weight_len()..], self.outputs, true, v.transposed(), w);
            }
        }
    }
}

/// A convolution of one padded image.
struct Filter<'a, T> {
    image: &'a [T],
    padded: &'a Padded,
    u: &'a [T],
    inputs: usize,
    outputs: usize,
    out: [usize; 2],
    /// Whether to add to what is there.
    add: bool,
}

impl<T: Real, const OUT: usize, const IN: usize> Kernel<T> for Winograd<OUT, IN>
where
    InputRows: Transform<IN, IN>,
    GradientRows: Transform<OUT, IN>,
    OutputRows: Transform<IN, OUT>,
    WeightRows: Transform<TAPS, IN>,
    WeightGradientRows: Transform<IN, TAPS>,
{
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    /// A padded input and a padded gradient, two strips of transformed tiles, and the transformed gradient of the weight.
    fn scratch(&self) -> usize {
        let strips = Self::AREA * self.most_tiles() * (self.inputs.max(self.outputs) * 2);
        self.input.len() + self.gradient.len() + strips + Self::AREA * self.weight_len()
    }

    /// The transformed weight; for the gradient of the input also that of the mirrored weight with inputs and outputs exchanged.
    fn prepared(&self) -> usize {
        Self::AREA * self.weight_len() * if self.backward { 2 } else { 1 }
    }

    fn prepare(&self, params: &[&[T]], prepared: &mut [T]) {
        let (weight, len) = (params[0], self.weight_len());
        let (u, mirrored) = prepared.split_at_mut(Self::AREA * len);
        u[..weight.len()].copy_from_slice(weight);
        arch().dispatch(WeightTransform::<T, IN> { len, values: u });
        if self.backward {
            for (tap, filters) in weight.chunks_exact(len).enumerate() {
                let to = &mut mirrored[(TAPS * TAPS - 1 - tap) * len..][..len];
                transpose(Matrix::new(filters, self.inputs, self.outputs), to);
            }
            arch().dispatch(WeightTransform::<T, IN> { len, values: mirrored });
        }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, u) = (io.input(0), &io.prepared()[..Self::AREA * self.weight_len()]);
        if self.bias {
            start_with_bias(io.output, io.param(1));
        }
        let strip = Self::AREA * self.most_tiles();
        let (padded, rest) = io.scratch.split_at_mut(self.input.len());
        let (v, rest) = rest.split_at_mut(strip * self.inputs);
        let m = &mut rest[..strip * self.outputs];
        let [input, output] = self.images();
        self.input.clear_border(padded);
        for (x, y) in x.chunks_exact(input).zip(io.output.chunks_exact_mut(output)) {
            self.input.copy(x, padded);
            let (inputs, outputs, out) = (self.inputs, self.outputs, self.out);
            let filter =
                Filter { image: padded, padded: &self.input, u, inputs, outputs, out, add: self.bias };
            self.filter(filter, y, v, m);
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy) = (io.input(0), io.grad_output());
        let u = &io.prepared()[Self::AREA * self.weight_len()..];
        let dweight = io.take_grad_param(0);
        if self.bias {
            add_rows(dy, io.take_grad_param(1));
        }
        let strip = Self::AREA * self.most_tiles() * self.inputs.max(self.outputs);
        let (padded, rest) = std::mem::take(&mut io.scratch).split_at_mut(self.input.len());
        let (gradient, rest) = rest.split_at_mut(self.gradient.len());
        let (v, rest) = rest.split_at_mut(strip);
        let (m, du) = rest.split_at_mut(strip);
        let du = &mut du[..Self::AREA * self.weight_len()];
        du.fill(T::ZERO);
        self.input.clear_border(padded);
        self.gradient.clear_border(gradient);
        let [input, output] = self.images();
        let mut dx = io.grad_input(0);
        for (n, (x, dy)) in x.chunks_exact(input).zip(dy.chunks_exact(output)).enumerate() {
            self.input.copy(x, padded);
            self.gradient.copy(dy, gradient);
            self.weight_gradient(padded, gradient, v, m, du);
            let Some(dx) = dx.as_mut() else { continue };
            let filter = Filter {
                image: gradient,
                padded: &self.gradient,
                u,
                inputs: self.outputs,
                outputs: self.inputs,
                out: self.size,
                add: dx.accumulate,
            };
            self.filter(filter, &mut dx.values[n * input..][..input], v, m);
        }
        arch().dispatch(WeightGradient::<T, IN> { du, len: self.weight_len(), dweight });
    }
}

/// The tiles of an image, a few rows at a time.
#[derive(Clone, Copy)]
struct Strips {
    rows: usize,
    /// Tiles of a row.
    columns: usize,
    /// Rows of a strip.
    step: usize,
}

/// Rows of tiles.
#[derive(Clone, Copy)]
struct Strip {
    first: usize,
    rows: usize,
    columns: usize,
}

impl Strips {
    fn of<const OUT: usize>(out: [usize; 2]) -> Self {
        let [rows, columns] = out.map(|n| n.div_ceil(OUT));
        Self { rows, columns, step: (STRIP / columns).clamp(1, rows) }
    }

    /// Rows of a matrix of the largest strip.
    fn pitch(&self) -> usize {
        (self.step * self.columns) | 1
    }

    fn each(self) -> impl Iterator<Item = Strip> {
        (0..self.rows).step_by(self.step).map(move |first| Strip {
            first,
            rows: self.step.min(self.rows - first),
            columns: self.columns,
        })
    }
}

impl Strip {
    fn tiles(&self) -> usize {
        self.rows * self.columns
    }

    /// Rows from the matrix of one element to the next: odd, so that they do not compete for the same lines of the cache.
    fn pitch(&self) -> usize {
        self.tiles() | 1
    }
}

/// A square of vectors.
type Square<V, const N: usize> = [[V; N]; N];

/// A small matrix times a vector of vectors. (A trait and loops instead of closures: what is not inlined loses the vector
/// instructions of its caller.)
trait Transform<const M: usize, const N: usize> {
    fn apply<S: Simd, T: Real>(simd: S, v: [T::Vector<S>; M]) -> [T::Vector<S>; N];
}

/// Transforms the columns of a square, then the rows of the result.
#[inline(always)]
fn both<F: Transform<M, N>, S: Simd, T: Real, const M: usize, const N: usize>(
    simd: S,
    d: Square<T::Vector<S>, M>,
) -> Square<T::Vector<S>, N> {
    let zero = T::splat(simd, T::ZERO);
    let mut half = [[zero; M]; N];
    for j in 0..M {
        let mut column = [zero; M];
        for i in 0..M {
            column[i] = d[i][j];
        }
        let column = F::apply::<S, T>(simd, column);
        for i in 0..N {
            half[i][j] = column[i];
        }
    }
    let mut whole = [[zero; N]; N];
    for i in 0..N {
        whole[i] = F::apply::<S, T>(simd, half[i]);
    }
    whole
}

/// Taps of a filter in each direction.
const TAPS: usize = 3;

/// `B'`
struct InputRows;

impl Transform<4, 4> for InputRows {
    #[inline(always)]
    fn apply<S: Simd, T: Real>(simd: S, v: [T::Vector<S>; 4]) -> [T::Vector<S>; 4] {
        [
            T::minus(simd, v[0], v[2]),
            T::plus(simd, v[1], v[2]),
            T::minus(simd, v[2], v[1]),
            T::minus(simd, v[1], v[3]),
        ]
    }
}

impl Transform<6, 6> for InputRows {
    #[inline(always)]
    fn apply<S: Simd, T: Real>(simd: S, v: [T::Vector<S>; 6]) -> [T::Vector<S>; 6] {
        let (a, b) = (plus_times::<S, T>(simd, v[4], -4.0, v[2]), plus_times::<S, T>(simd, v[3], -4.0, v[1]));
        let (c, d) = (T::minus(simd, v[4], v[2]), T::minus(simd, v[3], v[1]));
        [
            plus_times::<S, T>(simd, plus_times::<S, T>(simd, v[4], -5.0, v[2]), 4.0, v[0]),
            T::plus(simd, a, b),
            T::minus(simd, a, b),
            plus_times::<S, T>(simd, c, 2.0, d),
            plus_times::<S, T>(simd, c, -2.0, d),
            plus_times::<S, T>(simd, plus_times::<S, T>(simd, v[5], -5.0, v[3]), 4.0, v[1]),
        ]
    }
}

/// `A`
struct GradientRows;

impl Transform<2, 4> for GradientRows {
    #[inline(always)]
    fn apply<S: Simd, T: Real>(simd: S, v: [T::Vector<S>; 2]) -> [T::Vector<S>; 4] {
        let zero = T::splat(simd, T::ZERO);
        [v[0], T::plus(simd, v[0], v[1]), T::minus(simd, v[0], v[1]), T::minus(simd, zero, v[1])]
    }
}

impl Transform<4, 6> for GradientRows {
    #[inline(always)]
    fn apply<S: Simd, T: Real>(simd: S, v: [T::Vector<S>; 4]) -> [T::Vector<S>; 6] {
        let (even, odd) = (T::plus(simd, v[0], v[2]), T::plus(simd, v[1], v[3]));
        let wide_even = plus_times::<S, T>(simd, v[0], 4.0, v[2]);
        let wide_odd = plus_times::<S, T>(simd, v[1], 4.0, v[3]);
        [
            v[0],
            T::plus(simd, even, odd),
            T::minus(simd, even, odd),
            plus_times::<S, T>(simd, wide_even, 2.0, wide_odd),
            plus_times::<S, T>(simd, wide_even, -2.0, wide_odd),
            v[3],
        ]
    }
}

/// `A'`
struct OutputRows;

impl Transform<4, 2> for OutputRows {
    #[inline(always)]
    fn apply<S: Simd, T: Real>(simd: S, v: [T::Vector<S>; 4]) -> [T::Vector<S>; 2] {
        let (sum, difference) = (T::plus(simd, v[1], v[2]), T::minus(simd, v[1], v[2]));
        [T::plus(simd, v[0], sum), T::minus(simd, difference, v[3])]
    }
}

impl Transform<6, 4> for OutputRows {
    #[inline(always)]
    fn apply<S: Simd, T: Real>(simd: S, v: [T::Vector<S>; 6]) -> [T::Vector<S>; 4] {
        let (near, far) = (T::plus(simd, v[1], v[2]), T::plus(simd, v[3], v[4]));
        let (near_slope, far_slope) = (T::minus(simd, v[1], v[2]), T::minus(simd, v[3], v[4]));
        [
            T::plus(simd, T::plus(simd, v[0], near), far),
            plus_times::<S, T>(simd, near_slope, 2.0, far_slope),
            plus_times::<S, T>(simd, near, 4.0, far),
            plus_times::<S, T>(simd, T::plus(simd, near_slope, v[5]), 8.0, far_slope),
        ]
    }
}

/// `G`
struct WeightRows;

impl Transform<3, 4> for WeightRows {
    #[inline(always)]
    fn apply<S: Simd, T: Real>(simd: S, v: [T::Vector<S>; 3]) -> [T::Vector<S>; 4] {
        let outer = T::plus(simd, v[0], v[2]);
        let (sum, difference) = (T::plus(simd, outer, v[1]), T::minus(simd, outer, v[1]));
        [v[0], times::<S, T>(simd, 0.5, sum), times::<S, T>(simd, 0.5, difference), v[2]]
    }
}

impl Transform<3, 6> for WeightRows {
    #[inline(always)]
    fn apply<S: Simd, T: Real>(simd: S, v: [T::Vector<S>; 3]) -> [T::Vector<S>; 6] {
        let outer = T::plus(simd, v[0], v[2]);
        let wide = plus_times::<S, T>(simd, times::<S, T>(simd, 1.0 / 24.0, v[0]), 1.0 / 6.0, v[2]);
        [
            times::<S, T>(simd, 0.25, v[0]),
            times::<S, T>(simd, -1.0 / 6.0, T::plus(simd, outer, v[1])),
            times::<S, T>(simd, -1.0 / 6.0, T::minus(simd, outer, v[1])),
            plus_times::<S, T>(simd, wide, 1.0 / 12.0, v[1]),
            plus_times::<S, T>(simd, wide, -1.0 / 12.0, v[1]),
            v[2],
        ]
    }
}

/// `G'`
struct WeightGradientRows;

impl Transform<4, 3> for WeightGradientRows {
    #[inline(always)]
    fn apply<S: Simd, T: Real>(simd: S, v: [T::Vector<S>; 4]) -> [T::Vector<S>; 3] {
        let middle = times::<S, T>(simd, 0.5, T::plus(simd, v[1], v[2]));
        let difference = times::<S, T>(simd, 0.5, T::minus(simd, v[1], v[2]));
        [T::plus(simd, v[0], middle), difference, T::plus(simd, middle, v[3])]
    }
}

impl Transform<6, 3> for WeightGradientRows {
    #[inline(always)]
    fn apply<S: Simd, T: Real>(simd: S, v: [T::Vector<S>; 6]) -> [T::Vector<S>; 3] {
        let near = times::<S, T>(simd, -1.0 / 6.0, T::plus(simd, v[1], v[2]));
        let near_slope = times::<S, T>(simd, -1.0 / 6.0, T::minus(simd, v[1], v[2]));
        let (far, far_slope) = (T::plus(simd, v[3], v[4]), T::minus(simd, v[3], v[4]));
        [
            plus_times::<S, T>(simd, plus_times::<S, T>(simd, near, 0.25, v[0]), 1.0 / 24.0, far),
            plus_times::<S, T>(simd, near_slope, 1.0 / 12.0, far_slope),
            plus_times::<S, T>(simd, T::plus(simd, near, v[5]), 1.0 / 6.0, far),
        ]
    }
}

/// `factor v`
#[inline(always)]
fn times<S: Simd, T: Real>(simd: S, factor: f64, v: T::Vector<S>) -> T::Vector<S> {
    plus_times::<S, T>(simd, T::splat(simd, T::ZERO), factor, v)
}

/// `sum + factor v`
#[inline(always)]
fn plus_times<S: Simd, T: Real>(simd: S, sum: T::Vector<S>, factor: f64, v: T::Vector<S>) -> T::Vector<S> {
    T::mul_add(simd, v, T::splat(simd, T::of(factor)), sum)
}

/// A square of vectors out of `lines`, which begin `line` rows apart.
#[inline(always)]
fn square<S: Simd, T: Real, const N: usize, const FULL: bool>(
    columns: &Columns<S, T, FULL>,
    lines: &[T],
    first: usize,
    line: usize,
) -> Square<T::Vector<S>, N> {
    columns.check(lines, first + (N - 1) * line + N - 1);
    let mut square = [[T::splat(columns.simd, T::ZERO); N]; N];
    for i in 0..N {
        for j in 0..N {
            // SAFETY: the last of these rows was checked.
            square[i][j] = unsafe { columns.get_unchecked(lines, first + i * line + j) };
        }
    }
    square
}

/// The square whose elements lie `step` rows apart in `values`, from row `first` on.
#[inline(always)]
fn spread<S: Simd, T: Real, const N: usize, const FULL: bool>(
    columns: &Columns<S, T, FULL>,
    values: &[T],
    first: usize,
    step: usize,
) -> Square<T::Vector<S>, N> {
    columns.check(values, first + (N * N - 1) * step);
    let mut square = [[T::splat(columns.simd, T::ZERO); N]; N];
    for i in 0..N {
        for j in 0..N {
            // SAFETY: the last of these rows was checked.
            square[i][j] = unsafe { columns.get_unchecked(values, first + (i * N + j) * step) };
        }
    }
    square
}

/// The reverse of [`spread`].
#[inline(always)]
fn put_spread<S: Simd, T: Real, const N: usize, const FULL: bool>(
    columns: &Columns<S, T, FULL>,
    square: Square<T::Vector<S>, N>,
    values: &mut [T],
    first: usize,
    step: usize,
) {
    columns.check(values, first + (N * N - 1) * step);
    for i in 0..N {
        for j in 0..N {
            // SAFETY: the last of these rows was checked.
            unsafe { columns.put_unchecked(values, first + (i * N + j) * step, square[i][j]) };
        }
    }
}

/// `B' d B` of every tile.
struct InputTransform<'a, T, const OUT: usize, const IN: usize> {
    strip: Strip,
    /// Positions from one line of the padded image to the next.
    line: usize,
    channels: usize,
    /// The padded image from the strip's first line on.
    from: &'a [T],
    /// `[elements of a tile, pitch, channels]`
    to: &'a mut [T],
}

impl<T: Real, const OUT: usize, const IN: usize> WithSimd for InputTransform<'_, T, OUT, IN>
where
    InputRows: Transform<IN, IN>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let pitch = self.strip.pitch();
        for_columns!(simd, self.channels, |columns| {
            for row in 0..self.strip.rows {
                for column in 0..self.strip.columns {
                    let at = row * OUT * self.line + column * OUT;
                    let d = square::<S, T, IN, _>(&columns, self.from, at, self.line);
                    let d = both::<InputRows, S, T, IN, IN>(simd, d);
                    put_spread(&columns, d, self.to, row * self.strip.columns + column, pitch);
                }
            }
        });
    }
}

/// `A dY A'` of every tile.
struct GradientTransform<'a, T, const OUT: usize, const IN: usize> {
    strip: Strip,
    /// Positions from one line of the padded gradient to the next.
    line: usize,
    channels: usize,
    /// The padded gradient from the strip's first output on.
    from: &'a [T],
    /// `[elements of a tile, pitch, channels]`
    to: &'a mut [T],
}

impl<T: Real, const OUT: usize, const IN: usize> WithSimd for GradientTransform<'_, T, OUT, IN>
where
    GradientRows: Transform<OUT, IN>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let pitch = self.strip.pitch();
        for_columns!(simd, self.channels, |columns| {
            for row in 0..self.strip.rows {
                for column in 0..self.strip.columns {
                    let at = row * OUT * self.line + column * OUT;
                    let dy = square::<S, T, OUT, _>(&columns, self.from, at, self.line);
                    let dy = both::<GradientRows, S, T, OUT, IN>(simd, dy);
                    put_spread(&columns, dy, self.to, row * self.strip.columns + column, pitch);
                }
            }
        });
    }
}

/// `A' m A` of every tile.
struct OutputTransform<'a, T, const OUT: usize, const IN: usize> {
    strip: Strip,
    /// Outputs of the strip.
    out: [usize; 2],
    channels: usize,
    add: bool,
    /// `[elements of a tile, pitch, channels]`
    from: &'a [T],
    to: &'a mut [T],
}

impl<T: Real, const OUT: usize, const IN: usize> WithSimd for OutputTransform<'_, T, OUT, IN>
where
    OutputRows: Transform<IN, OUT>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let zero = T::splat(simd, T::ZERO);
        let pitch = self.strip.pitch();
        for_columns!(simd, self.channels, |columns| {
            for row in 0..self.strip.rows {
                for column in 0..self.strip.columns {
                    let m =
                        spread::<S, T, IN, _>(&columns, self.from, row * self.strip.columns + column, pitch);
                    let y = both::<OutputRows, S, T, IN, OUT>(simd, m);
                    // All outputs with constant indices, so that they stay in registers.
                    for i in 0..OUT {
                        for j in 0..OUT {
                            let at = [row * OUT + i, column * OUT + j];
                            if at[0] < self.out[0] && at[1] < self.out[1] {
                                let to = at[0] * self.out[1] + at[1];
                                let old = if self.add { columns.get(self.to, to) } else { zero };
                                columns.put(self.to, to, T::plus(simd, old, y[i][j]));
                            }
                        }
                    }
                }
            }
        });
    }
}

/// `G g G'` of every filter, in place.
struct WeightTransform<'a, T, const IN: usize> {
    len: usize,
    /// `[elements of a tile, len]`, of which the first nine rows hold the filters.
    values: &'a mut [T],
}

impl<T: Real, const IN: usize> WithSimd for WeightTransform<'_, T, IN>
where
    WeightRows: Transform<TAPS, IN>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for_columns!(simd, self.len, |columns| {
            let g = spread::<S, T, TAPS, _>(&columns, self.values, 0, 1);
            put_spread(&columns, both::<WeightRows, S, T, TAPS, IN>(simd, g), self.values, 0, 1);
        });
    }
}

/// Adds `G' du G` of every filter.
struct WeightGradient<'a, T, const IN: usize> {
    /// `[elements of a tile, len]`
    du: &'a [T],
    len: usize,
    /// `[3, 3, len]`
    dweight: &'a mut [T],
}

impl<T: Real, const IN: usize> WithSimd for WeightGradient<'_, T, IN>
where
    WeightGradientRows: Transform<IN, TAPS>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for_columns!(simd, self.len, |columns| {
            let du = both::<WeightGradientRows, S, T, IN, TAPS>(simd, spread(&columns, self.du, 0, 1));
            let mut sum = spread::<S, T, TAPS, _>(&columns, self.dweight, 0, 1);
            for i in 0..TAPS {
                for j in 0..TAPS {
                    sum[i][j] = T::plus(simd, sum[i][j], du[i][j]);
                }
            }
            put_spread(&columns, sum, self.dweight, 0, 1);
        });
    }
}
