//! Vectors of the width that the machine has, for numbers of both precisions.

use pulp::{Arch, MemMask, Simd, WithSimd};
use std::sync::OnceLock;

/// Environment variable that holds the machine back to `scalar` or `avx2`: to test those paths, or to repeat what a smaller
/// machine computes.
pub const SIMD_VARIABLE: &str = "NASMYTH_SIMD";

/// The vector instructions in use.
pub(crate) fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(|| choose(std::env::var(SIMD_VARIABLE).ok().as_deref()))
}

fn choose(wish: Option<&str>) -> Arch {
    match wish {
        Some("scalar") => Arch::Scalar,
        #[cfg(target_arch = "x86_64")]
        Some("avx2") => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
        _ => Arch::new(),
    }
}

/// Name of the vector instructions in use.
pub fn simd_name() -> &'static str {
    struct Name;
    impl WithSimd for Name {
        type Output = &'static str;
        fn with_simd<S: Simd>(self, _: S) -> &'static str {
            match (S::F32_LANES, cfg!(target_arch = "aarch64")) {
                (1, _) => "scalar",
                (_, true) => "neon",
                (8, _) => "avx2",
                (16, _) => "avx512",
                _ => "simd",
            }
        }
    }
    arch().dispatch(Name)
}

/// Runs `f` compiled for the vector instructions in use. What `f` calls must be `#[inline(always)]` to profit, and so must `f`:
/// `vectorized(#[inline(always)] || ..)`.
#[inline(always)]
pub fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    struct Body<F>(F);
    impl<R, F: FnOnce() -> R> WithSimd for Body<F> {
        type Output = R;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> R {
            (self.0)()
        }
    }
    arch().dispatch(Body(f))
}

/// A number type in vectors.
pub trait Lanes: Copy + Send + Sync + 'static {
    /// As many numbers as a register holds.
    type Vector<S: Simd>: Copy;
    /// Which of them take part.
    type Mask<S: Simd>: Copy;
    /// Most numbers that a register holds on any machine.
    const MOST: usize;

    /// Numbers in a vector.
    fn lanes<S: Simd>() -> usize;
    /// All equal.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// `a + b`
    fn plus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a - b`
    fn minus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a b + c`, fused where the machine can.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The first `count` numbers take part.
    fn first<S: Simd>(simd: S, count: usize) -> Self::Mask<S>;
    /// # Safety
    /// `from` is valid for reads of a vector.
    unsafe fn load<S: Simd>(simd: S, from: *const Self) -> Self::Vector<S>;
    /// # Safety
    /// `to` is valid for writes of a vector.
    unsafe fn store<S: Simd>(simd: S, to: *mut Self, value: Self::Vector<S>);
    /// The others become 0.
    ///
    /// # Safety
    /// `from` is valid for reads of the numbers that take part.
    unsafe fn load_some<S: Simd>(simd: S, mask: Self::Mask<S>, from: *const Self) -> Self::Vector<S>;
    /// # Safety
    /// `to` is valid for writes of the numbers that take part.
    unsafe fn store_some<S: Simd>(simd: S, mask: Self::Mask<S>, to: *mut Self, value: Self::Vector<S>);
}

macro_rules! lanes {
    ($T:ty, $vector:ident, $mask:ident, $index:ty, $lanes:ident, $splat:ident, $add:ident, $sub:ident, $mul_add:ident,
        $between:ident, $load:ident, $store:ident) => {
        impl Lanes for $T {
            type Vector<S: Simd> = S::$vector;
            type Mask<S: Simd> = MemMask<S::$mask>;
            const MOST: usize = 64 / size_of::<$T>();

            #[inline(always)]
            fn lanes<S: Simd>() -> usize {
                S::$lanes
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S> {
                simd.$splat(value)
            }
            #[inline(always)]
            fn plus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn minus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn mul_add<S: Simd>(
                simd: S,
                a: Self::Vector<S>,
                b: Self::Vector<S>,
                c: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn first<S: Simd>(simd: S, count: usize) -> Self::Mask<S> {
                simd.$between(0, count as $index)
            }
            #[inline(always)]
            unsafe fn load<S: Simd>(_: S, from: *const Self) -> Self::Vector<S> {
                // SAFETY: the caller's promise; vectors are plain data.
                unsafe { from.cast::<S::$vector>().read_unaligned() }
            }
            #[inline(always)]
            unsafe fn store<S: Simd>(_: S, to: *mut Self, value: Self::Vector<S>) {
                // SAFETY: the caller's promise.
                unsafe { to.cast::<S::$vector>().write_unaligned(value) }
            }
            #[inline(always)]
            unsafe fn load_some<S: Simd>(simd: S, mask: Self::Mask<S>, from: *const Self) -> Self::Vector<S> {
                // SAFETY: the caller's promise; other lanes are not touched.
                unsafe { simd.$load(mask, from) }
            }
            #[inline(always)]
            unsafe fn store_some<S: Simd>(
                simd: S,
                mask: Self::Mask<S>,
                to: *mut Self,
                value: Self::Vector<S>,
            ) {
                // SAFETY: the caller's promise; other lanes are not touched.
                unsafe { simd.$store(mask, to, value) }
            }
        }
    };
}

lanes!(
    f32,
    f32s,
    m32s,
    u32,
    F32_LANES,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_add_e_f32s,
    mask_between_m32s,
    mask_load_ptr_f32s,
    mask_store_ptr_f32s
);
lanes!(
    f64,
    f64s,
    m64s,
    u64,
    F64_LANES,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_add_e_f64s,
    mask_between_m64s,
    mask_load_ptr_f64s,
    mask_store_ptr_f64s
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_for_less_is_granted() {
        assert!(matches!(choose(Some("scalar")), Arch::Scalar));
        #[cfg(target_arch = "x86_64")]
        assert!(!matches!(choose(Some("avx2")), Arch::V4(_)));
    }
}
