//! Weighted sum of values.

use crate::ExportError;
use crate::onnx::writer::Writer;
use nasmyth_graph::NodeId;

/// A product for each value, then sums of two.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let weight = w.param(id, "weight")?.to_vec();
    let terms = weight.iter().enumerate().map(|(k, &weight)| {
        let (x, weight) = (w.input(id, k), w.scalar(id, &format!("weight{k}"), weight));
        w.push(id, "Mul", &[&x, &weight], Vec::new())
    });
    let terms: Vec<String> = terms.collect();
    let (first, rest) = (terms[0].clone(), &terms[1..]);
    Ok(rest.iter().fold(first, |sum, term| w.push(id, "Add", &[&sum, term], Vec::new())))
}
