//! Softmax over the channels.

use crate::ExportError;
use crate::onnx::writer::{Writer, int};
use nasmyth_graph::NodeId;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let x = w.input(id, 0);
    Ok(w.push(id, "Softmax", &[&x], vec![int("axis", 1)]))
}
