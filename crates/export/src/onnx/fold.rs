//! Batch norm folded into the layer before it.
//!
//! `gamma (w x + b - mean) / sqrt(var + eps) + beta = (s w) x + (s (b - mean) + beta)` with
//! `s = gamma / sqrt(var + eps)` per output channel, counted in float64.

use super::writer::Writer;
use crate::ExportError;
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{BatchNorm, Conv, Linear};

/// The batch norm that will be folded into this node, if the node is a layer with weights and nothing else reads it.
fn folded(w: &Writer, id: NodeId) -> Option<NodeId> {
    let op = &w.node(id).op;
    let weighted = op.downcast::<Conv>().is_some() || op.downcast::<Linear>().is_some();
    let next = w.only_consumer(id).filter(|_| weighted)?;
    w.node(next).op.downcast::<BatchNorm>().map(|_| next)
}

/// Whether this batch norm is folded into the node before it.
pub(super) fn is_folded(w: &Writer, batch_norm: NodeId) -> bool {
    folded(w, w.node(batch_norm).inputs[0]) == Some(batch_norm)
}

/// Weights (last axis: output channels) and bias of a layer, with the batch norm after it folded in.
pub(super) fn weights(
    w: &Writer,
    id: NodeId,
    bias: bool,
) -> Result<(Vec<f32>, Option<Vec<f32>>), ExportError> {
    let weight = w.param(id, "weight")?;
    let bias = if bias { Some(w.param(id, "bias")?) } else { None };
    let Some(norm) = folded(w, id) else {
        return Ok((weight.to_vec(), bias.map(<[f32]>::to_vec)));
    };
    let (scale, shift) = affine(w, norm)?;
    let channels = scale.len();
    let weight = weight.iter().enumerate().map(|(i, &v)| (f64::from(v) * scale[i % channels]) as f32);
    let b = |c: usize| bias.map_or(0.0, |b| f64::from(b[c]));
    let bias = (0..channels).map(|c| (b(c) * scale[c] + shift[c]) as f32).collect();
    Ok((weight.collect(), Some(bias)))
}

/// A batch norm at inference as `y = scale x + shift` per channel.
fn affine(w: &Writer, id: NodeId) -> Result<(Vec<f64>, Vec<f64>), ExportError> {
    let eps = w.node(id).op.downcast::<BatchNorm>().map_or(0.0, |op| op.eps);
    let param = |name| Ok::<_, ExportError>(w.param(id, name)?.iter().map(|&v| f64::from(v)));
    let scale: Vec<f64> =
        param("gamma")?.zip(param("variance")?).map(|(gamma, var)| gamma / (var + eps).sqrt()).collect();
    let shift = param("beta")?.zip(param("mean")?).zip(&scale).map(|((beta, mean), s)| beta - mean * s);
    let shift = shift.collect();
    Ok((scale, shift))
}
