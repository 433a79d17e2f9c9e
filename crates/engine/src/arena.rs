//! The memory that a plan runs in, and the views that kernels get of it.

use crate::Real;
use std::marker::PhantomData;
use std::ops::Range;

/// Bytes that values are aligned to: a cache line, the widest vector.
const ALIGN: usize = 64;

/// All values of one running plan: activations, gradients, kept statistics, scratch.
///
/// The buffer is an ordinary one with room to begin at a multiple of [`ALIGN`]: allocators that are asked for aligned memory again and
/// again may scatter it.
pub struct Arena<T> {
    buffer: Vec<T>,
    values: Range<usize>,
}

impl<T: Real> Arena<T> {
    pub(crate) fn new(len: usize) -> Self {
        Self::within(vec![T::ZERO; len + Self::room()], len)
    }

    /// An arena of `len` values in the place of this one: nothing is allocated where it was as large. It holds some of what it held, which
    /// is no difference: steps expect nothing of the values that they have not written.
    pub(crate) fn resized(mut self, len: usize) -> Self {
        self.buffer.resize(len + Self::room(), T::ZERO);
        Self::within(self.buffer, len)
    }

    fn within(buffer: Vec<T>, len: usize) -> Self {
        let start = buffer.as_ptr().align_offset(ALIGN).min(Self::room());
        Self { buffer, values: start..start + len }
    }

    /// Values before the first that is aligned, at most.
    const fn room() -> usize {
        ALIGN / std::mem::size_of::<T>()
    }

    pub(crate) fn get(&self, range: &Range<usize>) -> &[T] {
        &self.buffer[self.values.clone()][range.clone()]
    }

    pub(crate) fn get_mut(&mut self, range: &Range<usize>) -> &mut [T] {
        &mut self.buffer[self.values.clone()][range.clone()]
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        std::mem::size_of::<T>() * self.values.len()
    }

    pub(crate) fn view(&mut self) -> View<'_, T> {
        View::of(&mut self.buffer[self.values.clone()])
    }
}

/// An exclusively borrowed arena, cut into pieces at run time. Whoever cuts promises that no mutable piece overlaps another
/// piece that is alive: the schedule is checked for that when it is made.
#[derive(Clone, Copy)]
pub(crate) struct View<'a, T> {
    start: *mut T,
    len: usize,
    arena: PhantomData<&'a mut [T]>,
}

// SAFETY: a view is a pointer to values that can be sent; who cuts pieces on several threads keeps them apart.
unsafe impl<T: Send> Send for View<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for View<'_, T> {}

impl<'a, T> View<'a, T> {
    /// A view of values that are no arena.
    pub fn of(values: &'a mut [T]) -> Self {
        Self { start: values.as_mut_ptr(), len: values.len(), arena: PhantomData }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// # Safety
    /// No mutable piece that overlaps `range` is alive or is made while the result is.
    pub unsafe fn piece(&self, range: &Range<usize>) -> &'a [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: within the arena, which is borrowed for 'a; aliasing is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start.add(range.start), range.len()) }
    }

    /// # Safety
    /// No other piece that overlaps `range` is alive or is made while the result is.
    pub unsafe fn piece_mut(&self, range: &Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: within the arena, which is borrowed exclusively for 'a; aliasing is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

/// Whether two ranges share no element.
pub(crate) fn disjoint(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.end <= b.start || b.end <= a.start || a.is_empty() || b.is_empty()
}
