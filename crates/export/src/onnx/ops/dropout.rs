//! Noise of training, which vanishes at inference.

use crate::ExportError;
use crate::onnx::writer::Writer;
use nasmyth_graph::NodeId;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    Ok(w.input(id, 0))
}
