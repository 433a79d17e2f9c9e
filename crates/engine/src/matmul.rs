//! Matrix products for the shapes of small networks: a tall matrix times a small one, without packing and without allocation.
//!
//! A tile of the result stays in vector registers while the shared dimension runs; the right-hand rows are read as vectors,
//! the left-hand elements are broadcast. Small networks keep the right-hand side in the second-level cache, which is what
//! packing would otherwise be for.

use crate::Real;
use crate::simd::arch;
use pulp::{Simd, WithSimd};

/// Rows of the result at once: their left-hand rows stay in cache while all columns are computed.
const ROWS: usize = 192;

/// Length of the shared dimension at once.
const DEPTH: usize = 1024;

/// A matrix: where it is, and how far apart its rows and columns are.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// `rows` x `columns`, row-major and dense.
    pub fn new(values: &'a [T], rows: usize, columns: usize) -> Self {
        Self::strided(values, rows, columns, columns)
    }

    /// Row-major, rows `stride` elements apart.
    pub fn strided(values: &'a [T], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(
            rows == 0 || values.len() >= (rows - 1) * stride + columns,
            "a matrix lies within its values"
        );
        Self { values, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// Whether the matrix still lies within its values when it begins `offset` elements further on.
    fn fits(&self, offset: usize) -> bool {
        let reach = |count: usize, stride: usize| count.saturating_sub(1) * stride;
        let last = offset + reach(self.rows, self.row_stride) + reach(self.columns, self.column_stride);
        self.rows == 0 || self.columns == 0 || last < self.values.len()
    }

    /// Rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// The shared dimension of a product in pieces of one length: piece `s` reads the left-hand side `a[s]` elements further on and
/// the right-hand side `b[s]`. A convolution without unfolding is such a product, with a piece for each tap of its window.
#[derive(Clone, Copy)]
pub(crate) struct Pieces<'a> {
    pub a: &'a [usize],
    pub b: &'a [usize],
}

/// The whole shared dimension as it lies.
const WHOLE: Pieces<'static> = Pieces { a: &[0], b: &[0] };

/// Operands of a product whose shapes have been checked.
pub struct Product<'a, T> {
    out: &'a mut [T],
    stride: usize,
    accumulate: bool,
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    pieces: Pieces<'a>,
}

/// `out = a b`, or `out += a b`; `out` has rows `stride` elements apart, the rows of `b` are contiguous.
pub(crate) fn matmul<T: Real>(out: &mut [T], stride: usize, accumulate: bool, a: Matrix<T>, b: Matrix<T>) {
    matmul_pieces(out, stride, accumulate, a, b, WHOLE);
}

/// `out = sum over pieces of a b`, or added to `out`; `a` and `b` are the first piece of each.
pub(crate) fn matmul_pieces<T: Real>(
    out: &mut [T],
    stride: usize,
    accumulate: bool,
    a: Matrix<T>,
    b: Matrix<T>,
    pieces: Pieces,
) {
    assert!(a.columns == b.rows && b.column_stride == 1, "the shapes of a product agree");
    assert!(a.rows == 0 || out.len() >= (a.rows - 1) * stride + b.columns, "a product fits into its output");
    assert!(pieces.a.len() == pieces.b.len(), "each piece has two sides");
    assert!(pieces.a.iter().all(|&o| a.fits(o)) && pieces.b.iter().all(|&o| b.fits(o)), "pieces lie within");
    arch().dispatch(Tiled(Product { out, stride, accumulate, a, b, pieces }));
}

/// `to` becomes the dense transpose of `from`.
pub(crate) fn transpose<T: Real>(from: Matrix<T>, to: &mut [T]) {
    /// Rows at once: they are read in order, and fill a cache line of each row of the transpose.
    const STRIP: usize = 16;
    for first in (0..from.rows).step_by(STRIP) {
        let rows = STRIP.min(from.rows - first);
        for (j, row) in to[..from.rows * from.columns].chunks_exact_mut(from.rows).enumerate() {
            let at = first * from.row_stride + j * from.column_stride;
            let column = from.values[at..].iter().step_by(from.row_stride);
            row[first..first + rows].iter_mut().zip(column).for_each(|(to, &v)| *to = v);
        }
    }
}

/// By the definition, to check the other against.
#[cfg(test)]
fn plain<T: Real>(p: Product<'_, T>) {
    for i in 0..p.a.rows {
        let row = &mut p.out[i * p.stride..][..p.b.columns];
        if !p.accumulate {
            row.fill(T::ZERO);
        }
        for (from_a, from_b) in p.pieces.a.iter().zip(p.pieces.b) {
            for k in 0..p.a.columns {
                let a = p.a.values[from_a + i * p.a.row_stride + k * p.a.column_stride];
                let b = &p.b.values[from_b + k * p.b.row_stride..][..p.b.columns];
                row.iter_mut().zip(b).for_each(|(c, &b)| *c += a * b);
            }
        }
    }
}

/// In register tiles, with the widest vectors of this machine.
struct Tiled<'a, T>(Product<'a, T>);

/// A part of a product: raw because tiles of the output are written through one pointer.
#[derive(Clone, Copy)]
struct Tile<'a, T> {
    pieces: Pieces<'a>,
    a: *const T,
    a_row: usize,
    a_column: usize,
    b: *const T,
    b_row: usize,
    c: *mut T,
    c_row: usize,
    depth: usize,
    accumulate: bool,
    /// Columns of the last vector.
    tail: usize,
}

impl<T: Real> WithSimd for Tiled<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Product { out, stride, accumulate, a, b, pieces } = self.0;
        if a.columns == 0 && !accumulate {
            (0..a.rows).for_each(|i| out[i * stride..][..b.columns].fill(T::ZERO));
        }
        for depth in (0..a.columns).step_by(DEPTH) {
            for row in (0..a.rows).step_by(ROWS) {
                // SAFETY: `matmul` checked that rows, columns and depth lie within the three slices, and `out` is exclusively
                // borrowed; the offsets below stay within those bounds.
                let tile = unsafe {
                    Tile {
                        pieces,
                        a: a.values.as_ptr().add(row * a.row_stride + depth * a.column_stride),
                        a_row: a.row_stride,
                        a_column: a.column_stride,
                        b: b.values.as_ptr().add(depth * b.row_stride),
                        b_row: b.row_stride,
                        c: out.as_mut_ptr().add(row * stride),
                        c_row: stride,
                        depth: DEPTH.min(a.columns - depth),
                        accumulate: accumulate || depth > 0,
                        tail: T::lanes::<S>(),
                    }
                };
                let rows = ROWS.min(a.rows - row);
                // SAFETY: as above.
                unsafe { all_columns(simd, tile, rows, b.columns) };
            }
        }
    }
}

/// # Safety
/// The tile's pointers are valid for `rows` rows, `columns` columns and its depth.
#[inline(always)]
unsafe fn all_columns<S: Simd, T: Real>(simd: S, tile: Tile<'_, T>, rows: usize, columns: usize) {
    let lanes = T::lanes::<S>();
    let mut j = 0;
    while j < columns {
        let left = columns - j;
        // SAFETY: j < columns.
        let mut at = unsafe { Tile { b: tile.b.add(j), c: tile.c.add(j), ..tile } };
        let width = if left > lanes { 2 * lanes } else { lanes };
        at.tail = if left >= width { lanes } else { left - (width - lanes) };
        // SAFETY: `width` columns are left, of the last vector `tail`.
        unsafe {
            match (width == lanes, at.tail == lanes) {
                (true, true) => all_rows::<S, T, 1, false>(simd, at, rows),
                (true, false) => all_rows::<S, T, 1, true>(simd, at, rows),
                (false, true) => all_rows::<S, T, 2, false>(simd, at, rows),
                (false, false) => all_rows::<S, T, 2, true>(simd, at, rows),
            }
        }
        j += width;
    }
}

/// # Safety
/// As for [`all_columns`], with `N` vectors of columns, the last of them `tail` wide if `MASKED`.
#[inline(always)]
unsafe fn all_rows<S: Simd, T: Real, const N: usize, const MASKED: bool>(
    simd: S,
    tile: Tile<'_, T>,
    rows: usize,
) {
    let mut i = 0;
    macro_rules! next_rows {
        ($M:literal) => {{
            // SAFETY: rows i..i + M exist.
            unsafe {
                let at = Tile { a: tile.a.add(i * tile.a_row), c: tile.c.add(i * tile.c_row), ..tile };
                kernel::<S, T, $M, N, MASKED>(simd, at);
            }
            i += $M;
        }};
    }
    // Sixteen registers leave twelve for the tile, thirty-two leave twenty-four.
    let most = if T::lanes::<S>() == T::MOST { 8 } else { 6 };
    while i < rows {
        match (rows - i).min(most) {
            8 => next_rows!(8),
            7 => next_rows!(7),
            6 => next_rows!(6),
            5 => next_rows!(5),
            4 => next_rows!(4),
            3 => next_rows!(3),
            2 => next_rows!(2),
            _ => next_rows!(1),
        }
    }
}

/// An `M` x `N` vectors tile of the result.
///
/// # Safety
/// The tile's pointers are valid for `M` rows, `N` vectors of columns (the last of them `tail` wide if `MASKED`) and its depth.
#[inline(always)]
unsafe fn kernel<S: Simd, T: Real, const M: usize, const N: usize, const MASKED: bool>(
    simd: S,
    t: Tile<'_, T>,
) {
    let lanes = T::lanes::<S>();
    let tail = T::first(simd, t.tail);
    let masked = |n: usize| MASKED && n == N - 1;
    // SAFETY: for both, whoever calls them does so within the tile; masked lanes are not touched.
    let load = |n: usize, at: *const T| unsafe {
        if masked(n) { T::load_some(simd, tail, at) } else { T::load(simd, at) }
    };
    // SAFETY: as above.
    let store = |n: usize, at: *mut T, v: T::Vector<S>| unsafe {
        if masked(n) { T::store_some(simd, tail, at, v) } else { T::store(simd, at, v) }
    };
    let mut sums = [[T::splat(simd, T::ZERO); N]; M];
    for (&from_a, &from_b) in t.pieces.a.iter().zip(t.pieces.b) {
        for k in 0..t.depth {
            // SAFETY: k is within the depth, and every piece lies within its side.
            unsafe {
                let row = t.b.add(from_b + k * t.b_row);
                let mut b = [T::splat(simd, T::ZERO); N];
                for (n, b) in b.iter_mut().enumerate() {
                    *b = load(n, row.add(n * lanes));
                }
                let column = t.a.add(from_a + k * t.a_column);
                for (m, sums) in sums.iter_mut().enumerate() {
                    let a = T::splat(simd, *column.add(m * t.a_row));
                    for n in 0..N {
                        sums[n] = T::mul_add(simd, a, b[n], sums[n]);
                    }
                }
            }
        }
    }
    for (m, sums) in sums.iter().enumerate() {
        for (n, &sum) in sums.iter().enumerate() {
            // SAFETY: within the tile.
            let at = unsafe { t.c.add(m * t.c_row + n * lanes) };
            store(n, at, if t.accumulate { T::plus(simd, load(n, at), sum) } else { sum });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tiles_compute_what_the_definition_says(
            m in 1usize..220, n in 1usize..70, k in 0usize..40, transposed: bool, accumulate: bool, gap in 0usize..3, long: bool,
        ) {
            let (m, k) = if long { (1 + m % 20, k + 1000) } else { (m, k) };
            let number = |i: usize| ((i * 37 + 11) % 101) as f32 / 50.0 - 1.0;
            let a: Vec<f32> = (0..m * k).map(number).collect();
            let b: Vec<f32> = (0..k * n).map(|i| number(i + 5)).collect();
            let start: Vec<f32> = (0..m * (n + gap)).map(number).collect();
            let (mut expected, mut got) = (start.clone(), start);
            let a = || if transposed { Matrix::new(&a, k, m).transposed() } else { Matrix::new(&a, m, k) };
            plain(Product { out: &mut expected, stride: n + gap, accumulate, a: a(), b: Matrix::new(&b, k, n), pieces: WHOLE });
            matmul(&mut got, n + gap, accumulate, a(), Matrix::new(&b, k, n));
            for (e, g) in expected.iter().zip(&got) {
                prop_assert!((e - g).abs() < 1e-4 * (1.0 + k as f32 / 10.0), "{} against {}", g, e);
            }
        }
    }
}
