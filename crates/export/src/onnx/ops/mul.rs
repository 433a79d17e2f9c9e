//! Product of values.

use super::spread;
use crate::ExportError;
use crate::onnx::writer::Writer;
use nasmyth_graph::NodeId;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let (x, gate) = (w.input(id, 0), spread(w, id, 1));
    Ok(w.push(id, "Mul", &[&x, &gate], Vec::new()))
}
