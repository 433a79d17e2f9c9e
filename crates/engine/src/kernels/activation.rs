//! Element-wise non-linearities.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::{Activation, Function};

pub(super) fn lower<T: Real>(op: &dyn Op, _: &Site) -> Option<Box<dyn Kernel<T>>> {
    Some(Box::new(ActivationKernel(op.downcast::<Activation>()?.0)))
}

/// Whether computing a function again costs less than storing its values.
pub(super) fn is_cheap(f: Function) -> bool {
    // Gelu and softplus call functions that do not vectorise.
    !matches!(f, Function::Gelu | Function::Softplus)
}

/// A function and its derivative.
pub(super) trait Curve<T: Real> {
    fn value(x: T) -> T;
    fn slope(x: T) -> T;
}

/// Runs `$body` with `$F` as the curve of `$function`, an `Option<Function>`; none is the identity.
macro_rules! with_curve {
    ($function:expr, $F:ident => $body:expr) => {{
        use nasmyth_graph::ops::Function as Kind;
        use $crate::kernels::activation as curves;
        $crate::kernels::activation::with_curve!(@arms $function, $F, $body,
            Relu Relu6 LeakyRelu Elu Silu Gelu HardSigmoid HardSwish Sigmoid Softplus Tanh)
    }};
    (@arms $function:expr, $F:ident, $body:expr, $($name:ident)*) => {
        match $function {
            None => {
                type $F = curves::Identity;
                $body
            }
            $(Some(Kind::$name) => {
                type $F = curves::$name;
                $body
            })*
        }
    };
}

pub(super) use with_curve;

/// Defines a curve from its value and its slope.
macro_rules! curve {
    ($name:ident, |$x:ident| $value:expr, $slope:expr) => {
        pub(super) struct $name;

        impl<T: Real> Curve<T> for $name {
            #[inline(always)]
            fn value($x: T) -> T {
                $value
            }
            #[inline(always)]
            fn slope($x: T) -> T {
                $slope
            }
        }
    };
}

const LEAK: f64 = 0.01;

curve!(Identity, |x| x, {
    let _ = x;
    T::ONE
});
curve!(Relu, |x| x.max(T::ZERO), when(x > T::ZERO, T::ONE));
curve!(Relu6, |x| x.max(T::ZERO).min(T::of(6.0)), when(x > T::ZERO && x < T::of(6.0), T::ONE));
curve!(
    LeakyRelu,
    |x| if x > T::ZERO { x } else { x * T::of(LEAK) },
    if x > T::ZERO { T::ONE } else { T::of(LEAK) }
);
curve!(Elu, |x| if x > T::ZERO { x } else { x.exp() - T::ONE }, if x > T::ZERO { T::ONE } else { x.exp() });
curve!(Silu, |x| x * sigmoid(x), {
    let s = sigmoid(x);
    s * (T::ONE + x * (T::ONE - s))
});
curve!(Gelu, |x| x * normal_below(x), normal_below(x) + x * normal(x));
curve!(HardSigmoid, |x| hard_sigmoid(x), when(x > T::of(-3.0) && x < T::of(3.0), T::of(1.0 / 6.0)));
curve!(HardSwish, |x| x * hard_sigmoid(x), {
    let inside = x > T::of(-3.0) && x < T::of(3.0);
    hard_sigmoid(x) + when(inside, x * T::of(1.0 / 6.0))
});
curve!(Sigmoid, |x| sigmoid(x), {
    let s = sigmoid(x);
    s * (T::ONE - s)
});
curve!(Softplus, |x| softplus(x), sigmoid(x));
curve!(Tanh, |x| tanh(x), {
    let y = tanh(x);
    T::ONE - y * y
});

#[inline(always)]
fn sigmoid<T: Real>(x: T) -> T {
    T::ONE / (T::ONE + (-x).exp())
}

/// `tanh x = 1 - 2 / (e^2x + 1)`; the argument is bounded so that the exponential stays finite.
#[inline(always)]
fn tanh<T: Real>(x: T) -> T {
    let x = x.max(T::of(-20.0)).min(T::of(20.0));
    T::ONE - T::of(2.0) / ((x + x).exp() + T::ONE)
}

/// Density of the standard normal distribution.
#[inline(always)]
fn normal<T: Real>(x: T) -> T {
    T::of(0.398_942_280_401_432_7) * (T::of(-0.5) * x * x).exp()
}

/// Distribution function of the standard normal distribution.
#[inline(always)]
fn normal_below<T: Real>(x: T) -> T {
    T::of(0.5) * (T::ONE + (x * T::of(std::f64::consts::FRAC_1_SQRT_2)).erf())
}

#[inline(always)]
fn hard_sigmoid<T: Real>(x: T) -> T {
    (x + T::of(3.0)).max(T::ZERO).min(T::of(6.0)) * T::of(1.0 / 6.0)
}

#[inline(always)]
fn softplus<T: Real>(x: T) -> T {
    let magnitude = x.max(-x);
    x.max(T::ZERO) + T::of((-magnitude).f64().exp().ln_1p())
}

#[inline(always)]
fn when<T: Real>(condition: bool, value: T) -> T {
    if condition { value } else { T::ZERO }
}

struct ActivationKernel(Function);

impl<T: Real> Kernel<T> for ActivationKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn is_cheap(&self) -> bool {
        is_cheap(self.0)
    }

    fn forward(&self, io: Forward<'_, T>) {
        with_curve!(Some(self.0), F => T::vectorized(#[inline(always)] || io.map(<F as Curve<T>>::value)));
    }

    fn backward(&self, io: Backward<'_, T>) {
        let x = io.input(0);
        with_curve!(Some(self.0), F => T::vectorized(#[inline(always)] || io.map(|i, d| d * <F as Curve<T>>::slope(x[i]))));
    }
}
