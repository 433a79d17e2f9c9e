//! Channels in blocks of constant width, whose sums and factors stay in registers while the rows run by.

use crate::Real;

/// Calls `$body` with `$N` channels at a time from `$at` on: wide blocks first, then what is left.
macro_rules! channel_blocks {
    ($channels:expr, |$at:ident, $N:ident| $body:expr) => {{
        let mut $at = 0;
        $crate::kernels::blocks::channel_blocks!(@width 32, $channels, $at, $N, $body);
        $crate::kernels::blocks::channel_blocks!(@width 16, $channels, $at, $N, $body);
        $crate::kernels::blocks::channel_blocks!(@width 4, $channels, $at, $N, $body);
        $crate::kernels::blocks::channel_blocks!(@width 1, $channels, $at, $N, $body);
    }};
    (@width $width:literal, $channels:expr, $at:ident, $N:ident, $body:expr) => {
        while $channels - $at >= $width {
            const $N: usize = $width;
            $body;
            $at += $width;
        }
    };
}

pub(super) use channel_blocks;

/// The `N` values from `at` on.
#[inline(always)]
pub(super) fn block<T, const N: usize>(values: &[T], at: usize) -> &[T; N] {
    // The slice has exactly N elements.
    match values[at..at + N].try_into() {
        Ok(block) => block,
        Err(_) => unreachable!(),
    }
}

/// The `N` values from `at` on, to change.
#[inline(always)]
pub(super) fn block_mut<T, const N: usize>(values: &mut [T], at: usize) -> &mut [T; N] {
    // The slice has exactly N elements.
    match (&mut values[at..at + N]).try_into() {
        Ok(block) => block,
        Err(_) => unreachable!(),
    }
}

/// `N` values, computed before any is written: a loop over them vectorises without asking whether memory overlaps.
#[inline(always)]
pub(super) fn from_fn<T: Real, const N: usize>(f: impl Fn(usize) -> T) -> [T; N] {
    let mut values = [T::ZERO; N];
    (0..N).for_each(|i| values[i] = f(i));
    values
}
