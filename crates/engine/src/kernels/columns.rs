//! Vectors of channels, out of values whose last axis is channels.

use crate::Real;
use pulp::Simd;

/// Vector `at` of `values`.
#[inline(always)]
pub(super) fn vector<T: Real, S: Simd>(simd: S, values: &[T], at: usize) -> T::Vector<S> {
    let own = &values[at * T::lanes::<S>()..][..T::lanes::<S>()];
    // SAFETY: a slice of exactly one vector.
    unsafe { T::load(simd, own.as_ptr()) }
}

#[inline(always)]
pub(super) fn set_vector<T: Real, S: Simd>(simd: S, values: &mut [T], at: usize, value: T::Vector<S>) {
    let own = &mut values[at * T::lanes::<S>()..][..T::lanes::<S>()];
    // SAFETY: a slice of exactly one vector.
    unsafe { T::store(simd, own.as_mut_ptr(), value) }
}

/// The channels of one vector in values whose last axis is all channels. `FULL`: as many as a vector holds.
pub(super) struct Columns<S: Simd, T: Real, const FULL: bool> {
    pub simd: S,
    first: usize,
    count: usize,
    channels: usize,
    mask: T::Mask<S>,
}

/// Runs `$body` with `$columns` as the [`Columns`] of each vector of channels.
macro_rules! for_columns {
    ($simd:expr, $channels:expr, |$columns:ident| $body:expr) => {{
        let (lanes, channels) = (T::lanes::<S>(), $channels);
        let whole = channels / lanes * lanes;
        for first in (0..whole).step_by(lanes) {
            let $columns = $crate::kernels::columns::Columns::<S, T, true>::new($simd, first, channels);
            $body
        }
        if whole < channels {
            let $columns = $crate::kernels::columns::Columns::<S, T, false>::new($simd, whole, channels);
            $body
        }
    }};
}

pub(super) use for_columns;

impl<S: Simd, T: Real, const FULL: bool> Columns<S, T, FULL> {
    #[inline(always)]
    pub fn new(simd: S, first: usize, channels: usize) -> Self {
        let count = if FULL { T::lanes::<S>() } else { channels - first };
        Self { simd, first, count, channels, mask: T::first(simd, count) }
    }

    /// Numbers that take part.
    #[inline(always)]
    fn count(&self) -> usize {
        if FULL { T::lanes::<S>() } else { self.count }
    }

    /// Those of row `at`.
    #[inline(always)]
    pub fn get(&self, values: &[T], at: usize) -> T::Vector<S> {
        let own = &values[at * self.channels + self.first..][..self.count()];
        // SAFETY: a slice of exactly the numbers that take part.
        unsafe {
            if FULL {
                T::load(self.simd, own.as_ptr())
            } else {
                T::load_some(self.simd, self.mask, own.as_ptr())
            }
        }
    }

    #[inline(always)]
    pub fn put(&self, values: &mut [T], at: usize, value: T::Vector<S>) {
        let own = &mut values[at * self.channels + self.first..][..self.count()];
        // SAFETY: a slice of exactly the numbers that take part.
        unsafe {
            if FULL {
                T::store(self.simd, own.as_mut_ptr(), value)
            } else {
                T::store_some(self.simd, self.mask, own.as_mut_ptr(), value)
            }
        }
    }

    /// Asserts that the rows up to `last` lie within `values`.
    #[inline(always)]
    pub fn check(&self, values: &[T], last: usize) {
        assert!(
            last * self.channels + self.first + self.count() <= values.len(),
            "rows lie within their values"
        );
    }

    /// [`get`](Self::get) without asking.
    ///
    /// # Safety
    /// [`check`](Self::check) has passed for these values and a row that is not before `at`.
    #[inline(always)]
    pub unsafe fn get_unchecked(&self, values: &[T], at: usize) -> T::Vector<S> {
        // SAFETY: the caller's promise.
        unsafe {
            let own = values.as_ptr().add(at * self.channels + self.first);
            if FULL { T::load(self.simd, own) } else { T::load_some(self.simd, self.mask, own) }
        }
    }

    /// [`put`](Self::put) without asking.
    ///
    /// # Safety
    /// As for [`get_unchecked`](Self::get_unchecked).
    #[inline(always)]
    pub unsafe fn put_unchecked(&self, values: &mut [T], at: usize, value: T::Vector<S>) {
        // SAFETY: the caller's promise.
        unsafe {
            let own = values.as_mut_ptr().add(at * self.channels + self.first);
            if FULL {
                T::store(self.simd, own, value)
            } else {
                T::store_some(self.simd, self.mask, own, value)
            }
        }
    }

    /// Those of all rows, one vector after the other.
    #[inline(always)]
    pub fn gather(&self, values: &[T], to: &mut [T]) {
        for at in 0..values.len() / self.channels {
            set_vector(self.simd, to, at, self.get(values, at));
        }
    }
}
