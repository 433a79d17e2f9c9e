//! Batch normalisation.

use super::get;
use crate::ExportError;
use crate::onnx::fold;
use crate::onnx::writer::{Writer, float};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::BatchNorm;

/// Nothing where the layer before has it in its weights, else `BatchNormalization`.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let x = w.input(id, 0);
    if fold::is_folded(w, id) {
        return Ok(x);
    }
    let eps = get::<BatchNorm>(w, id)?.eps;
    let channels = w.input_fact(id, 0).channels();
    let mut inputs = vec![x];
    for name in ["gamma", "beta", "mean", "variance"] {
        let values = w.param(id, name)?;
        inputs.push(w.floats(id, name, &[channels], values));
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    Ok(w.push(id, "BatchNormalization", &inputs, vec![float("epsilon", eps)]))
}
