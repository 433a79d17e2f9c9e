//! Transposed convolution over one or two spatial axes.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, int, sizes};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::ConvTranspose;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let conv = get::<ConvTranspose>(w, id)?;
    let attributes = vec![
        int("group", conv.groups as i64),
        sizes("kernel_shape", &conv.kernel),
        sizes("output_padding", &conv.output_pad),
        sizes("pads", &conv.pad),
        sizes("strides", &conv.stride),
    ];
    let (inputs, per_group) = (w.input_fact(id, 0).channels(), conv.out / conv.groups);
    let weight = in_out_kernel(w.param(id, "weight")?, inputs, per_group);
    let dims = [&[inputs, per_group], &conv.kernel[..]].concat();
    let mut operands = vec![w.input(id, 0), w.floats(id, "weight", &dims, &weight)];
    if conv.bias {
        let bias = w.param(id, "bias")?;
        operands.push(w.floats(id, "bias", &[conv.out], bias));
    }
    let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
    Ok(w.push(id, "ConvTranspose", &operands, attributes))
}

/// `[kernel.., in, out]` as `[in, out, kernel..]`.
fn in_out_kernel(weight: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let pairs = inputs * outputs;
    (0..pairs).flat_map(|pair| weight.iter().skip(pair).step_by(pairs)).copied().collect()
}
