//! Learned vectors for token codes.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{INT64, Writer, int};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::TokenEmbedding;

/// Codes are clamped before they become whole numbers, so no value of a float can leave the table of rows.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let embedding = get::<TokenEmbedding>(w, id)?;
    let weight = w.param(id, "weight")?;
    let table = w.floats(id, "weight", &[embedding.vocabulary, embedding.width], weight);
    let (zero, last) = (w.scalar(id, "zero", 0.0), w.scalar(id, "last", (embedding.vocabulary - 1) as f32));
    let x = w.input(id, 0);
    let code = w.push(id, "Max", &[&x, &zero], Vec::new());
    let code = w.push(id, "Min", &[&code, &last], Vec::new());
    let code = w.push(id, "Cast", &[&code], vec![int("to", i64::from(INT64))]);
    let y = w.push(id, "Gather", &[&table, &code], vec![int("axis", 0)]);
    Ok(w.output_channels_first(id, y))
}
