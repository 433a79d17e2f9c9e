//! Another order of axes.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, ints};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::Permute;

/// Through channels last, where axes have their numbers in the graph.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let order = &get::<Permute>(w, id)?.0;
    if order.is_sorted() {
        return Ok(w.input(id, 0));
    }
    let x = w.input_channels_last(id, 0);
    let order = [0].into_iter().chain(order.iter().map(|&axis| 1 + axis as i64)).collect();
    let y = w.push(id, "Transpose", &[&x], vec![ints("perm", order)]);
    Ok(w.output_channels_first(id, y))
}
