//! Matrix product of two values.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, ints};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::MatMul;

/// Channels last, where `MatMul` means the same two axes.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let op = get::<MatMul>(w, id)?;
    let a = w.input_channels_last(id, 0);
    let b = if op.transpose_b { transposed(w, id) } else { w.input_channels_last(id, 1) };
    let mut y = w.push(id, "MatMul", &[&a, &b], Vec::new());
    if op.factor != 1.0 {
        let factor = w.scalar(id, "factor", op.factor as f32);
        y = w.push(id, "Mul", &[&y, &factor], Vec::new());
    }
    Ok(w.output_channels_first(id, y))
}

/// The second input as `[N, batch.., k, n]`: with two axes this is channels first.
fn transposed(w: &mut Writer, id: NodeId) -> String {
    let rank = w.input_fact(id, 1).shape().len() as i64;
    if rank == 2 {
        return w.input(id, 1);
    }
    let b = w.input_channels_last(id, 1);
    let order = (0..rank - 1).chain([rank, rank - 1]).collect();
    w.push(id, "Transpose", &[&b], vec![ints("perm", order)])
}
