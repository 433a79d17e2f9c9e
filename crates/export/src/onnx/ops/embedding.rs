//! Learned vectors for category codes.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{INT64, Writer, int};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::Embedding;

/// Codes are clamped before they become whole numbers, so no value of a float can leave the table of rows.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let embedding = get::<Embedding>(w, id)?;
    let rows: usize = embedding.cardinalities.iter().sum();
    let last: Vec<f32> = embedding.cardinalities.iter().map(|&n| (n - 1) as f32).collect();
    let offsets: Vec<i64> = embedding.offsets().iter().map(|&o| o as i64).collect();
    let weight = w.param(id, "weight")?;
    let table = w.floats(id, "weight", &[rows, embedding.width], weight);
    let (zero, last) = (w.scalar(id, "zero", 0.0), w.floats(id, "last", &[last.len()], &last));
    let offsets = w.ints(id, "offsets", &offsets);
    let x = w.input(id, 0);
    let code = w.push(id, "Max", &[&x, &zero], Vec::new());
    let code = w.push(id, "Min", &[&code, &last], Vec::new());
    let code = w.push(id, "Cast", &[&code], vec![int("to", i64::from(INT64))]);
    let row = w.push(id, "Add", &[&code, &offsets], Vec::new());
    let features = w.push(id, "Gather", &[&table, &row], vec![int("axis", 0)]);
    Ok(w.push(id, "Flatten", &[&features], vec![int("axis", 1)]))
}
