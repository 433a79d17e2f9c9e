//! Product of values.

use crate::ExportError;
use crate::onnx::writer::Writer;
use nasmyth_graph::NodeId;

/// A gate `[c]` is spread over the positions of the value.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let (x, mut gate) = (w.input(id, 0), w.input(id, 1));
    let (value, per_channel) = (w.input_fact(id, 0), w.input_fact(id, 1));
    if value != per_channel {
        let axes: Vec<i64> = (2..=value.shape().len() as i64).collect();
        let axes = w.ints(id, "axes", &axes);
        gate = w.push(id, "Unsqueeze", &[&gate, &axes], Vec::new());
    }
    Ok(w.push(id, "Mul", &[&x, &gate], Vec::new()))
}
