//! Layer normalisation.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, float, int};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::LayerNorm;

/// `LayerNormalization` works on trailing axes, so a value with positions goes through channels last.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let eps = get::<LayerNorm>(w, id)?.eps;
    let channels = [w.input_fact(id, 0).channels()];
    let (gamma, beta) = (w.param(id, "gamma")?, w.param(id, "beta")?);
    let (gamma, beta) = (w.floats(id, "gamma", &channels, gamma), w.floats(id, "beta", &channels, beta));
    let x = w.input_channels_last(id, 0);
    let attributes = vec![int("axis", -1), float("epsilon", eps)];
    let y = w.push(id, "LayerNormalization", &[&x, &gamma, &beta], attributes);
    Ok(w.output_channels_first(id, y))
}
