//! Element-wise functions.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, float};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{Activation, Function};
use std::f32::consts::FRAC_1_SQRT_2;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let function = get::<Activation>(w, id)?.0;
    let x = w.input(id, 0);
    let plain = |w: &mut Writer, op: &str| w.push(id, op, &[&x], Vec::new());
    Ok(match function {
        Function::Relu => plain(w, "Relu"),
        Function::Relu6 => relu6(w, id, &x),
        Function::LeakyRelu => w.push(id, "LeakyRelu", &[&x], vec![float("alpha", 0.01)]),
        Function::Elu => w.push(id, "Elu", &[&x], vec![float("alpha", 1.0)]),
        Function::Silu => silu(w, id, &x),
        Function::Gelu => gelu(w, id, &x),
        Function::HardSigmoid => {
            let attributes = vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)];
            w.push(id, "HardSigmoid", &[&x], attributes)
        }
        Function::HardSwish => plain(w, "HardSwish"),
        Function::Sigmoid => plain(w, "Sigmoid"),
        Function::Softplus => plain(w, "Softplus"),
        Function::Tanh => plain(w, "Tanh"),
    })
}

fn relu6(w: &mut Writer, id: NodeId, x: &str) -> String {
    let (low, high) = (w.scalar(id, "min", 0.0), w.scalar(id, "max", 6.0));
    w.push(id, "Clip", &[x, &low, &high], Vec::new())
}

/// `x sigmoid(x)`
fn silu(w: &mut Writer, id: NodeId, x: &str) -> String {
    let gate = w.push(id, "Sigmoid", &[x], Vec::new());
    w.push(id, "Mul", &[x, &gate], Vec::new())
}

/// `x / 2 (1 + erf(x / sqrt 2))`
fn gelu(w: &mut Writer, id: NodeId, x: &str) -> String {
    let root = w.scalar(id, "sqrt_half", FRAC_1_SQRT_2);
    let (half, one) = (w.scalar(id, "half", 0.5), w.scalar(id, "one", 1.0));
    let y = w.push(id, "Mul", &[x, &root], Vec::new());
    let y = w.push(id, "Erf", &[&y], Vec::new());
    let y = w.push(id, "Add", &[&y, &one], Vec::new());
    let y = w.push(id, "Mul", &[x, &y], Vec::new());
    w.push(id, "Mul", &[&y, &half], Vec::new())
}
