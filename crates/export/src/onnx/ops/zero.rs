//! Zeros.

use crate::ExportError;
use crate::onnx::writer::Writer;
use nasmyth_graph::NodeId;

/// Made from the shape alone, so that infinite or undefined values do not pass.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let x = w.input(id, 0);
    let shape = w.push(id, "Shape", &[&x], Vec::new());
    Ok(w.push(id, "ConstantOfShape", &[&shape], Vec::new())) // float32 zero is its default
}
