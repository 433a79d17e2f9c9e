//! The memory that a plan runs in, and the views that kernels get of it.

use crate::Real;
use std::marker::PhantomData;
use std::ops::Range;

/// Bytes that values are aligned to: a cache line, the widest vector.
const ALIGN: usize = 64;

/// Bytes of a large page of memory, on most machines. A step walks through more pages of the usual 4 KiB than a processor keeps
/// addresses of.
const LARGE_PAGE: usize = 2 << 20;

/// All values of one running plan: activations, gradients, kept statistics, scratch.
///
/// The buffer is an ordinary one with room to begin where a cache line does, or a large page: allocators that are asked for aligned memory
/// again and again may scatter it.
pub struct Arena<T> {
    buffer: Vec<T>,
    values: Range<usize>,
}

impl<T: Real> Arena<T> {
    pub(crate) fn new(len: usize) -> Self {
        let is_large = len.saturating_mul(size_of::<T>()) >= LARGE_PAGE;
        let align = if is_large { LARGE_PAGE } else { ALIGN };
        let room = align / size_of::<T>();
        let mut buffer = vec![T::ZERO; len + room];
        let start = buffer.as_ptr().align_offset(align).min(room);
        let values = start..start + len;
        if is_large {
            ask_for_large_pages(&mut buffer[values.clone()]);
        }
        Self { buffer, values }
    }

    /// An arena of `len` values in the place of this one: nothing is allocated where it was as large. It holds what it held, which
    /// is no difference: steps expect nothing of the values that they have not written.
    pub(crate) fn resized(mut self, len: usize) -> Self {
        let end = self.values.start + len;
        if end > self.buffer.capacity() {
            drop(self);
            return Self::new(len);
        }
        if end > self.buffer.len() {
            self.buffer.resize(end, T::ZERO);
        }
        self.values.end = end;
        self
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

/// Asks the system to use large pages for `values`, most of which nothing has touched yet.
#[cfg(target_os = "linux")]
fn ask_for_large_pages<T>(values: &mut [T]) {
    let bytes = size_of_val(values) / LARGE_PAGE * LARGE_PAGE;
    // SAFETY: the range lies within the allocation, and this advice changes no value.
    let asked =
        unsafe { rustix::mm::madvise(values.as_mut_ptr().cast(), bytes, rustix::mm::Advice::LinuxHugepage) };
    // A system without large pages has small ones.
    let _ = asked;
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages<T>(_: &mut [T]) {}

/// Whether two ranges share no element.
pub(crate) fn disjoint(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.end <= b.start || b.end <= a.start || a.is_empty() || b.is_empty()
}
