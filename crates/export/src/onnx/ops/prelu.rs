//! ReLU with a slope for negative values, learned or given.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, float};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::LeakyRelu;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let slope = w.param(id, "slope")?;
    let slope = w.per_channel(id, "slope", w.input_fact(id, 0), slope);
    let x = w.input(id, 0);
    Ok(w.push(id, "PRelu", &[&x, &slope], Vec::new()))
}

pub(super) fn write_leaky_relu(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let slope = get::<LeakyRelu>(w, id)?.slope;
    let x = w.input(id, 0);
    Ok(w.push(id, "LeakyRelu", &[&x], vec![float("alpha", slope)]))
}
