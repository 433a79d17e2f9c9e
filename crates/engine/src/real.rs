//! The two number types that kernels are written for.

use crate::kernels::{self, Kernel, Site};
use crate::simd::{Lanes, vectorized};
use nasmyth_graph::Op;
use nasmyth_graph::ops::Function;
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

/// A float that kernels compute with.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Lanes
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The nearest value of this type.
    fn of(value: f64) -> Self;
    /// As f64.
    fn f64(self) -> f64;
    /// Exponential; vectorises for `f32`.
    fn exp(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// The kernel of an operator; here, so that kernels are compiled once, with this crate.
    fn kernel(op: &dyn Op, after: Option<Function>, site: &Site) -> Option<Box<dyn Kernel<Self>>>;
    /// Runs `f`, for `f32` compiled for the widest vector instructions of this machine. `f64` checks what `f32` computes, and
    /// need not be fast.
    fn vectorized<R>(f: impl FnOnce() -> R) -> R;
    /// Error function.
    fn erf(self) -> Self;
    /// Larger of two; the other one if `self` is not a number.
    fn max(self, other: Self) -> Self;
    /// Smaller of two; the other one if `self` is not a number.
    fn min(self, other: Self) -> Self;
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn exp(self) -> Self {
        f64::exp(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn erf(self) -> Self {
        libm::erf(self)
    }
    fn kernel(op: &dyn Op, after: Option<Function>, site: &Site) -> Option<Box<dyn Kernel<Self>>> {
        kernels::lower(op, after, site)
    }
    #[inline(always)]
    fn vectorized<R>(f: impl FnOnce() -> R) -> R {
        f()
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        f64::max(self, other)
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        f64::min(self, other)
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        self as f64
    }
    #[inline(always)]
    fn exp(self) -> Self {
        exp_f32(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn erf(self) -> Self {
        libm::erff(self)
    }
    fn kernel(op: &dyn Op, after: Option<Function>, site: &Site) -> Option<Box<dyn Kernel<Self>>> {
        kernels::lower(op, after, site)
    }
    #[inline(always)]
    fn vectorized<R>(f: impl FnOnce() -> R) -> R {
        vectorized(f)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        f32::max(self, other)
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        f32::min(self, other)
    }
}

/// `e^x` without branches, so that loops over it vectorise: `2^n e^r` with `|r| <= ln 2 / 2` and the Taylor series of `e^r` to
/// the seventh power (error below one unit in the last place of f32).
#[inline(always)]
#[allow(clippy::excessive_precision)] // the two parts of ln 2 are exact as written
fn exp_f32(x: f32) -> f32 {
    /// Adding 1.5 * 2^23 rounds to whole numbers and leaves them in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_375;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Not `clamp`: NaN must come out as NaN.
    let bounded = if x > 88.0 { 88.0 } else { x };
    let bounded = if bounded < -87.0 { -87.0 } else { bounded };
    let shifted = bounded * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = bounded - n * LN2_HIGH - n * LN2_LOW;
    let mut sum = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * r + factor;
    }
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    sum * f32::from_bits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_exponential_is_accurate() {
        let mut worst: f64 = 0.0;
        for i in -8700..8800 {
            let x = i as f32 / 100.0;
            worst = worst.max((exp_f32(x) as f64 / (x as f64).exp() - 1.0).abs());
        }
        assert!(worst < 2.5e-7, "{worst}");
        assert!(exp_f32(f32::NAN).is_nan());
        assert!(exp_f32(-1e30) < 1e-37 && exp_f32(1e30) > 1e38);
    }
}
