//! Learned tokens before those of the sample.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, int};
use crate::runtime::channels_first;
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::ClassToken;

/// The learned tokens, repeated for each sample of the batch, joined with `[N, c, n]`.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let count = get::<ClassToken>(w, id)?.count;
    let channels = w.input_fact(id, 0).channels();
    let weight = channels_first(&[count, channels], w.param(id, "weight")?);
    let weight = w.floats(id, "weight", &[1, channels, count], &weight);
    let x = w.input(id, 0);
    let batch = w.push(id, "Shape", &[&x], vec![int("start", 0), int("end", 1)]);
    let rest = w.ints(id, "dims", &[channels as i64, count as i64]);
    let dims = w.push(id, "Concat", &[&batch, &rest], vec![int("axis", 0)]);
    let tokens = w.push(id, "Expand", &[&weight, &dims], Vec::new());
    Ok(w.push(id, "Concat", &[&tokens, &x], vec![int("axis", 2)]))
}
