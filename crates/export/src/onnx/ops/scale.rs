//! Learned scale per channel.

use crate::ExportError;
use crate::onnx::writer::Writer;
use nasmyth_graph::NodeId;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let (x, gamma) = (w.input(id, 0), w.param(id, "gamma")?);
    let gamma = w.per_channel(id, "gamma", w.input_fact(id, 0), gamma);
    Ok(w.push(id, "Mul", &[&x, &gamma], Vec::new()))
}
