//! The input.

use crate::ExportError;
use crate::onnx::writer::Writer;
use nasmyth_graph::NodeId;

pub(super) fn write(_: &mut Writer, _: NodeId) -> Result<String, ExportError> {
    Ok("input".to_owned())
}
