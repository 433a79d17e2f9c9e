//! The transforms of Winograd's minimal filtering, tile by tile, one vector of channels at a time.

// Loops over registers: with constant indices they are unrolled, with iterators not always.
#![allow(clippy::needless_range_loop)]

use super::columns::{Columns, for_columns};
use crate::Real;
use pulp::{Simd, WithSimd};
use std::marker::PhantomData;

/// Tiles whose transforms should be in cache at once.
const STRIP: usize = 64;

/// The tiles of an image, a few rows at a time.
#[derive(Clone, Copy)]
pub(super) struct Strips {
    rows: usize,
    /// Tiles of a row.
    columns: usize,
    /// Rows of a strip.
    step: usize,
}

/// Rows of tiles.
#[derive(Clone, Copy)]
pub(super) struct Strip {
    pub first: usize,
    pub rows: usize,
    pub columns: usize,
}

impl Strips {
    pub fn of<const OUT: usize>(out: [usize; 2]) -> Self {
        let [rows, columns] = out.map(|n| n.div_ceil(OUT));
        Self { rows, columns, step: (STRIP / columns).clamp(1, rows) }
    }

    /// Rows of a matrix of the largest strip.
    pub fn pitch(&self) -> usize {
        (self.step * self.columns) | 1
    }

    pub fn each(self) -> impl Iterator<Item = Strip> {
        (0..self.rows).step_by(self.step).map(move |first| Strip {
            first,
            rows: self.step.min(self.rows - first),
            columns: self.columns,
        })
    }
}

impl Strip {
    pub fn tiles(&self) -> usize {
        self.rows * self.columns
    }

    /// Rows from the matrix of one element to the next: odd, so that they do not compete for the same lines of the cache.
    pub fn pitch(&self) -> usize {
        self.tiles() | 1
    }
}

/// A square of vectors.
type Square<V, const N: usize> = [[V; N]; N];

/// A small matrix times a vector of vectors. (A trait and loops instead of closures: what is not inlined loses the vector
/// instructions of its caller.)
pub(super) trait Transform<const M: usize, const N: usize> {
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
pub(super) const TAPS: usize = 3;

/// `B'`
pub(super) struct InputRows;

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
pub(super) struct GradientRows;

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
pub(super) struct OutputRows;

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
pub(super) struct WeightRows;

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
pub(super) struct WeightGradientRows;

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

/// `F d F'` of every tile of a padded image: `B' d B` of the input with `FROM = IN`, `A dY A'` of the gradient with `FROM = OUT`. Tiles
/// begin `OUT` positions apart.
pub(super) struct ImageTransform<'a, T, F, const OUT: usize, const FROM: usize, const IN: usize> {
    pub rows: PhantomData<F>,
    pub strip: Strip,
    /// Positions from one line of the padded image to the next.
    pub line: usize,
    pub channels: usize,
    /// The padded image from the strip's first tile on.
    pub from: &'a [T],
    /// `[elements of a tile, pitch, channels]`
    pub to: &'a mut [T],
}

impl<T: Real, F: Transform<FROM, IN>, const OUT: usize, const FROM: usize, const IN: usize> WithSimd
    for ImageTransform<'_, T, F, OUT, FROM, IN>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let pitch = self.strip.pitch();
        for_columns!(simd, self.channels, |columns| {
            for row in 0..self.strip.rows {
                for column in 0..self.strip.columns {
                    let at = row * OUT * self.line + column * OUT;
                    let d = square::<S, T, FROM, _>(&columns, self.from, at, self.line);
                    let d = both::<F, S, T, FROM, IN>(simd, d);
                    put_spread(&columns, d, self.to, row * self.strip.columns + column, pitch);
                }
            }
        });
    }
}

/// `A' m A` of every tile.
pub(super) struct OutputTransform<'a, T, const OUT: usize, const IN: usize> {
    pub strip: Strip,
    /// Outputs of the strip.
    pub out: [usize; 2],
    pub channels: usize,
    pub add: bool,
    /// `[elements of a tile, pitch, channels]`
    pub from: &'a [T],
    pub to: &'a mut [T],
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
pub(super) struct WeightTransform<'a, T, const IN: usize> {
    pub len: usize,
    /// `[elements of a tile, len]`, of which the first nine rows hold the filters.
    pub values: &'a mut [T],
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
pub(super) struct WeightGradient<'a, T, const IN: usize> {
    /// `[elements of a tile, len]`
    pub du: &'a [T],
    pub len: usize,
    /// `[3, 3, len]`
    pub dweight: &'a mut [T],
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
