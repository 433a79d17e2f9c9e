//! Mean of values.

use super::add;
use crate::ExportError;
use crate::onnx::writer::Writer;
use nasmyth_graph::NodeId;

/// The sum, divided by the number of values.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let sum = add::write(w, id)?;
    let values = w.node(id).inputs.len();
    if values == 1 {
        return Ok(sum);
    }
    let share = w.scalar(id, "share", 1.0 / values as f32);
    Ok(w.push(id, "Mul", &[&sum, &share], Vec::new()))
}
