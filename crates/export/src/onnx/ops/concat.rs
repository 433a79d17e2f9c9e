//! Joining values along the channels.

use crate::ExportError;
use crate::onnx::writer::{Writer, int};
use nasmyth_graph::NodeId;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let inputs: Vec<String> = (0..w.node(id).inputs.len()).map(|i| w.input(id, i)).collect();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    Ok(w.push(id, "Concat", &inputs, vec![int("axis", 1)]))
}
