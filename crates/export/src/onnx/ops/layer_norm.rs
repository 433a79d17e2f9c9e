//! Layer normalisation.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, float, int};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::LayerNorm;

/// `LayerNormalization` works on trailing axes, so a value with positions goes through channels last.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let eps = get::<LayerNorm>(w, id)?.eps;
    let fact = w.input_fact(id, 0);
    let spatial = !fact.spatial().is_empty();
    let channels = [fact.channels()];
    let (gamma, beta) = (w.param(id, "gamma")?, w.param(id, "beta")?);
    let (gamma, beta) = (w.floats(id, "gamma", &channels, gamma), w.floats(id, "beta", &channels, beta));
    let mut x = w.input(id, 0);
    if spatial {
        x = w.as_channels_last(id, &x, fact);
    }
    let attributes = vec![int("axis", -1), float("epsilon", eps)];
    let y = w.push(id, "LayerNormalization", &[&x, &gamma, &beta], attributes);
    Ok(if spatial { w.as_channels_first(id, &y, fact) } else { y })
}
