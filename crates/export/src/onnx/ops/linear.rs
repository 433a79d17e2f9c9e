//! Matrix product over the channels.

use super::conv::out_in_kernel;
use super::get;
use crate::ExportError;
use crate::onnx::fold;
use crate::onnx::writer::{Writer, channels_first_dims, sizes};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::Linear;

/// `Gemm` for a vector; for a value with positions a convolution with a window of one.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let linear = get::<Linear>(w, id)?;
    let (weight, bias) = fold::weights(w, id, linear.bias)?;
    let inputs = w.input_fact(id, 0).channels();
    match w.input_fact(id, 0).spatial().len() {
        0 => {
            let weight = w.floats(id, "weight", &[inputs, linear.out], &weight);
            let x = w.input(id, 0);
            Ok(with_bias(w, id, "Gemm", [x, weight], bias))
        }
        rank => pointwise(w, id, rank.min(2), out_in_kernel(&weight, inputs, linear.out), bias),
    }
}

/// A convolution with a window of one; beyond two spatial axes, over all positions in a row.
fn pointwise(
    w: &mut Writer,
    id: NodeId,
    rank: usize,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
) -> Result<String, ExportError> {
    let (from, to) = (w.input_fact(id, 0), &w.node(id).fact);
    let dims = [&[to.channels(), from.channels()], &[1; 2][..rank]].concat();
    let weight = w.floats(id, "weight", &dims, &weight);
    let mut x = w.input(id, 0);
    let positions: usize = from.spatial().iter().product();
    let flat = from.spatial().len() > 2;
    if flat {
        x = w.reshape(id, &x, &[from.channels(), 1, positions]);
    }
    let y = with_bias(w, id, "Conv", [x, weight], bias);
    Ok(if flat { w.reshape(id, &y, &channels_first_dims(to)) } else { y })
}

fn with_bias(w: &mut Writer, id: NodeId, op: &str, inputs: [String; 2], bias: Option<Vec<f32>>) -> String {
    let bias = bias.map(|b| w.floats(id, "bias", &[b.len()], &b));
    let inputs: Vec<&str> = inputs.iter().chain(&bias).map(String::as_str).collect();
    let rank = if op == "Conv" { w.node(id).fact.spatial().len().min(2) } else { 0 };
    let attributes = if rank > 0 { vec![sizes("kernel_shape", &[1; 2][..rank])] } else { Vec::new() };
    w.push(id, op, &inputs, attributes)
}
