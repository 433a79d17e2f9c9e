//! Statistics of the training data, inside the model.

use super::get;
use crate::ExportError;
use crate::onnx::writer::Writer;
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::Standardize;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let inverse = get::<Standardize>(w, id)?.inverse;
    let fact = w.input_fact(id, 0);
    let (mean, std) = (w.param(id, "mean")?, w.param(id, "std")?);
    let (mean, std) = (w.per_channel(id, "mean", fact, mean), w.per_channel(id, "std", fact, std));
    let x = w.input(id, 0);
    let steps = if inverse { [("Mul", std), ("Add", mean)] } else { [("Sub", mean), ("Div", std)] };
    Ok(steps.iter().fold(x, |x, (op, constant)| w.push(id, op, &[&x, constant], Vec::new())))
}
