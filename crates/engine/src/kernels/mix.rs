//! Weighted sum of values.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Mix;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    op.downcast::<Mix>()?;
    Some(Box::new(MixKernel { inputs: site.inputs.len() }))
}

struct MixKernel {
    inputs: usize,
}

impl<T: Real> Kernel<T> for MixKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let weight = io.param(0);
        let (first, w) = (io.input(0), weight[0]);
        T::vectorized(
            #[inline(always)]
            || io.output.iter_mut().zip(first).for_each(|(y, &x)| *y = x * w),
        );
        for (k, &w) in weight.iter().enumerate().skip(1) {
            let x = io.input(k);
            T::vectorized(
                #[inline(always)]
                || io.output.iter_mut().zip(x).for_each(|(y, &x)| *y += x * w),
            );
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (dy, weight, dweight) = (io.grad_output(), io.param(0), io.take_grad_param(0));
        for k in 0..self.inputs {
            let x = io.input(k);
            dweight[k] += T::vectorized(
                #[inline(always)]
                || dot(x, dy),
            );
            let Some(dx) = io.grad_input(k) else { continue };
            T::vectorized(
                #[inline(always)]
                || dx.put(dy.iter().map(|&d| d * weight[k])),
            );
        }
    }
}

/// The sum of products, in as many sums beside each other as fill vectors.
#[inline(always)]
fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    const SUMS: usize = 32;
    let mut sums = [T::ZERO; SUMS];
    let (whole_a, whole_b) = (a.chunks_exact(SUMS), b.chunks_exact(SUMS));
    let rest = whole_a.remainder().iter().zip(whole_b.remainder());
    let rest = rest.fold(T::ZERO, |sum, (&a, &b)| sum + a * b);
    for (a, b) in whole_a.zip(whole_b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(s, (&a, &b))| *s += a * b);
    }
    sums.iter().fold(rest, |sum, &s| sum + s)
}
