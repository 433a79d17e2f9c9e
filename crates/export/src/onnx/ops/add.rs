//! Sum of values.

use super::spread;
use crate::ExportError;
use crate::onnx::writer::Writer;
use nasmyth_graph::NodeId;

/// From left to right, two at a time: every runtime has a fast `Add`, few a fast `Sum`.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let first = spread(w, id, 0);
    Ok((1..w.node(id).inputs.len()).fold(first, |sum, i| {
        let next = spread(w, id, i);
        w.push(id, "Add", &[&sum, &next], Vec::new())
    }))
}
