//! Functions of each element, and of each position.

use super::{Run, Site, Value};
use burn::tensor::activation;
use nasmyth_graph::Op;
use nasmyth_graph::ops::{Activation, Function, LeakyRelu, Mix, Prelu, Softmax, Zero};

pub(super) fn lower(op: &dyn Op, _: &Site) -> Option<Run> {
    if op.downcast::<Softmax>().is_some() {
        return Some(Box::new(|mut call| activation::softmax(call.input(), 2)));
    }
    if op.downcast::<Zero>().is_some() {
        return Some(Box::new(|mut call| call.input().zeros_like()));
    }
    if op.downcast::<Mix>().is_some() {
        return Some(Box::new(|call| {
            let term = |(k, x): (usize, Value)| x * call.params[0].clone().narrow(0, k, 1).unsqueeze::<3>();
            let sum = call.inputs.into_iter().enumerate().map(term).reduce(|sum, term| sum + term);
            sum.expect("a mix has inputs")
        }));
    }
    if let Some(&LeakyRelu { slope }) = op.downcast::<LeakyRelu>() {
        return Some(Box::new(move |mut call| activation::leaky_relu(call.input(), slope)));
    }
    if op.downcast::<Prelu>().is_some() {
        return Some(Box::new(|mut call| {
            let x = call.input();
            activation::relu(x.clone()) + x.clamp_max(0.0) * call.per_channel(0)
        }));
    }
    let function = function(op.downcast::<Activation>()?.0);
    Some(Box::new(move |mut call| function(call.input())))
}

fn function(function: Function) -> fn(Value) -> Value {
    match function {
        Function::Relu => activation::relu,
        Function::Relu6 => activation::relu6,
        Function::LeakyRelu => |x| activation::leaky_relu(x, 0.01),
        Function::Elu => elu,
        Function::Silu => activation::silu,
        Function::Gelu => activation::gelu,
        Function::HardSigmoid => |x| activation::hard_sigmoid(x, 1.0 / 6.0, 0.5),
        Function::HardSwish => activation::hard_swish,
        Function::Sigmoid => activation::sigmoid,
        Function::Softplus => |x| activation::softplus(x, 1.0),
        Function::Tanh => activation::tanh,
    }
}

/// Burn's own takes the exponential of large positive values too, and 0 times infinity in the backward pass.
fn elu(x: Value) -> Value {
    activation::relu(x.clone()) + x.clamp_max(0.0).exp().sub_scalar(1.0)
}
