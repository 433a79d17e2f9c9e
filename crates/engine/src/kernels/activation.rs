//! Element-wise non-linearities.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::{Real, vectorized};
use nasmyth_graph::Op;
use nasmyth_graph::ops::{Activation, Function};

pub(super) fn lower<T: Real>(op: &dyn Op, _: &Site) -> Option<Box<dyn Kernel<T>>> {
    Some(Box::new(ActivationKernel(op.downcast::<Activation>()?.0)))
}

struct ActivationKernel(Function);

const LEAK: f64 = 0.01;

/// Functions whose slope follows from their value can forget their input, and so overwrite it.
fn slope_from_value(f: Function) -> bool {
    !matches!(f, Function::Silu | Function::Gelu | Function::HardSwish)
}

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

impl<T: Real> Kernel<T> for ActivationKernel {
    fn needs(&self) -> Needs {
        let from_value = slope_from_value(self.0);
        Needs { inputs: !from_value, output: from_value }
    }

    fn in_place(&self) -> bool {
        true
    }

    fn forward(&self, io: Forward<'_, T>) {
        match self.0 {
            Function::Relu => vectorized(|| io.map(|x| x.max(T::ZERO))),
            Function::Relu6 => vectorized(|| io.map(|x| x.max(T::ZERO).min(T::of(6.0)))),
            Function::LeakyRelu => vectorized(|| io.map(|x| if x > T::ZERO { x } else { x * T::of(LEAK) })),
            Function::Elu => vectorized(|| io.map(|x| if x > T::ZERO { x } else { x.exp() - T::ONE })),
            Function::Silu => vectorized(|| io.map(|x| x * sigmoid(x))),
            Function::Gelu => vectorized(|| io.map(|x| x * normal_below(x))),
            Function::HardSigmoid => vectorized(|| io.map(hard_sigmoid)),
            Function::HardSwish => vectorized(|| io.map(|x| x * hard_sigmoid(x))),
            Function::Sigmoid => vectorized(|| io.map(sigmoid)),
            Function::Softplus => io.map(softplus),
            Function::Tanh => vectorized(|| io.map(tanh)),
        }
    }

    fn backward(&self, io: Backward<'_, T>) {
        if slope_from_value(self.0) { self.backward_from_value(io) } else { self.backward_from_input(io) }
    }
}

impl ActivationKernel {
    fn backward_from_value<T: Real>(&self, io: Backward<'_, T>) {
        let y = io.output();
        let sixth = T::of(1.0 / 6.0);
        match self.0 {
            Function::Relu => vectorized(|| io.map(|i, d| when(y[i] > T::ZERO, d))),
            Function::Relu6 => vectorized(|| io.map(|i, d| when(y[i] > T::ZERO && y[i] < T::of(6.0), d))),
            Function::LeakyRelu => {
                vectorized(|| io.map(|i, d| if y[i] > T::ZERO { d } else { d * T::of(LEAK) }))
            }
            Function::Elu => {
                vectorized(|| io.map(|i, d| if y[i] > T::ZERO { d } else { d * (y[i] + T::ONE) }))
            }
            Function::HardSigmoid => {
                vectorized(|| io.map(|i, d| when(y[i] > T::ZERO && y[i] < T::ONE, d * sixth)))
            }
            Function::Sigmoid => vectorized(|| io.map(|i, d| d * y[i] * (T::ONE - y[i]))),
            Function::Softplus => vectorized(|| io.map(|i, d| d * (T::ONE - (-y[i]).exp()))),
            _ => vectorized(|| io.map(|i, d| d * (T::ONE - y[i] * y[i]))), // tanh
        }
    }

    fn backward_from_input<T: Real>(&self, io: Backward<'_, T>) {
        let x = io.input(0);
        match self.0 {
            Function::Gelu => vectorized(|| io.map(|i, d| d * (normal_below(x[i]) + x[i] * normal(x[i])))),
            Function::Silu => vectorized(|| {
                io.map(|i, d| {
                    let s = sigmoid(x[i]);
                    d * s * (T::ONE + x[i] * (T::ONE - s))
                })
            }),
            _ => vectorized(|| {
                io.map(|i, d| {
                    let inside = x[i] > T::of(-3.0) && x[i] < T::of(3.0);
                    d * (hard_sigmoid(x[i]) + when(inside, x[i] * T::of(1.0 / 6.0)))
                })
            }), // hard-swish
        }
    }
}
