//! Pooling over all positions.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, int};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{GlobalPool, Pooling};

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let op = match get::<GlobalPool>(w, id)?.0 {
        Pooling::Average => "GlobalAveragePool",
        Pooling::Max => "GlobalMaxPool",
    };
    let x = w.input(id, 0);
    let pooled = w.push(id, op, &[&x], Vec::new());
    Ok(w.push(id, "Flatten", &[&pooled], vec![int("axis", 1)]))
}
