//! ReLU with a slope for negative values, learned or given.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::{LeakyRelu, Prelu};

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    op.downcast::<Prelu>()?;
    Some(Box::new(PreluKernel { channels: site.channels() }))
}

pub(super) fn lower_leaky_relu<T: Real>(op: &dyn Op, _: &Site) -> Option<Box<dyn Kernel<T>>> {
    Some(Box::new(LeakyReluKernel { slope: op.downcast::<LeakyRelu>()?.slope }))
}

/// `x` where it is positive, `slope x` elsewhere; with `of` in place of the first `x`, the derivative times `of`.
#[inline(always)]
fn leaky<T: Real>(x: T, slope: T, of: T) -> T {
    if x > T::ZERO { of } else { of * slope }
}

struct PreluKernel {
    channels: usize,
}

impl<T: Real> Kernel<T> for PreluKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn is_cheap(&self) -> bool {
        true
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, slope) = (io.input(0), io.param(0));
        T::vectorized(
            #[inline(always)]
            || {
                for (y, x) in io.output.chunks_exact_mut(self.channels).zip(x.chunks_exact(self.channels)) {
                    y.iter_mut().zip(x.iter().zip(slope)).for_each(|(y, (&x, &s))| *y = leaky(x, s, x));
                }
            },
        );
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy, slope) = (io.input(0), io.grad_output(), io.param(0));
        let dslope = io.take_grad_param(0);
        let rows = || x.chunks_exact(self.channels).zip(dy.chunks_exact(self.channels));
        T::vectorized(
            #[inline(always)]
            || {
                for (x, dy) in rows() {
                    let sums = dslope.iter_mut().zip(x.iter().zip(dy));
                    sums.for_each(|(ds, (&x, &d))| *ds += x.min(T::ZERO) * d);
                }
            },
        );
        if let Some(dx) = io.grad_input(0) {
            dx.put(
                rows().flat_map(|(x, dy)| x.iter().zip(dy).zip(slope).map(|((&x, &d), &s)| leaky(x, s, d))),
            );
        }
    }
}

struct LeakyReluKernel {
    slope: f64,
}

impl<T: Real> Kernel<T> for LeakyReluKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn is_cheap(&self) -> bool {
        true
    }

    fn forward(&self, io: Forward<'_, T>) {
        let slope = T::of(self.slope);
        T::vectorized(
            #[inline(always)]
            || io.map(|x| leaky(x, slope, x)),
        );
    }

    fn backward(&self, io: Backward<'_, T>) {
        let (x, slope) = (io.input(0), T::of(self.slope));
        T::vectorized(
            #[inline(always)]
            || io.map(|i, d| leaky(x[i], slope, d)),
        );
    }
}
