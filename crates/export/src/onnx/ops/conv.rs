//! Convolution over one or two spatial axes.

use super::get;
use crate::ExportError;
use crate::onnx::fold;
use crate::onnx::writer::{Writer, int, sizes};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::Conv;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let conv = get::<Conv>(w, id)?;
    let attributes = vec![
        sizes("dilations", &conv.dilation),
        int("group", conv.groups as i64),
        sizes("kernel_shape", &conv.kernel),
        sizes("pads", &conv.pad),
        sizes("strides", &conv.stride),
    ];
    let per_group = w.input_fact(id, 0).channels() / conv.groups;
    let (weight, bias) = fold::weights(w, id, conv.bias)?;
    let weight = out_in_kernel(&weight, per_group, conv.out);
    let dims = [&[conv.out, per_group], &conv.kernel[..]].concat();
    let mut inputs = vec![w.input(id, 0), w.floats(id, "weight", &dims, &weight)];
    inputs.extend(bias.map(|b| w.floats(id, "bias", &[conv.out], &b)));
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    Ok(w.push(id, "Conv", &inputs, attributes))
}

/// `[kernel.., in, out]` as `[out, in, kernel..]`.
pub(super) fn out_in_kernel(weight: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let window = weight.len() / (inputs * outputs);
    let taps = |o: usize, i: usize| (0..window).map(move |k| weight[(k * inputs + i) * outputs + o]);
    (0..outputs).flat_map(|o| (0..inputs).flat_map(move |i| taps(o, i))).collect()
}
