//! Learned vectors for positions.

use crate::ExportError;
use crate::onnx::writer::{Writer, channels_first_dims};
use crate::runtime::channels_first;
use nasmyth_graph::NodeId;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let fact = w.input_fact(id, 0);
    let weight = channels_first(fact.shape(), &w.param(id, "weight")?[..fact.len()]);
    let weight = w.floats(id, "weight", &channels_first_dims(fact), &weight);
    let x = w.input(id, 0);
    Ok(w.push(id, "Add", &[&x, &weight], Vec::new()))
}
