//! The ONNX form of each operator, one per file. [`OPS`] is the only list of them.

mod activation;
mod add;
mod batch_norm;
mod blur_pool;
mod class_token;
mod concat;
mod conv;
mod conv_transpose;
mod dropout;
mod embedding;
mod global_pool;
mod input;
mod layer_norm;
mod linear;
mod matmul;
mod max_unpool;
mod mean;
mod mix;
mod mul;
mod permute;
mod pool;
mod position_embedding;
mod prelu;
mod reshape;
mod scale;
mod slice;
mod softmax;
mod standardize;
mod token_embedding;
mod zero;

use super::writer::Writer;
use crate::ExportError;
use nasmyth_graph::{NodeId, Op};

/// Translates a node whose inputs are translated already; returns the name of the value that holds its output.
type Write = fn(&mut Writer, NodeId) -> Result<String, ExportError>;

/// The ONNX form of one kind of operator.
pub(super) struct OnnxOp {
    /// Kind, as in `nasmyth_graph::OPS`.
    pub(super) kind: &'static str,
    /// Translates a node of this kind.
    pub(super) write: Write,
}

const fn op(kind: &'static str, write: Write) -> OnnxOp {
    OnnxOp { kind, write }
}

/// Every operator that can be translated.
pub(super) static OPS: &[OnnxOp] = &[
    op("input", input::write),
    op("conv", conv::write),
    op("conv_transpose", conv_transpose::write),
    op("linear", linear::write),
    op("matmul", matmul::write),
    op("embedding", embedding::write),
    op("token_embedding", token_embedding::write),
    op("position_embedding", position_embedding::write),
    op("class_token", class_token::write),
    op("batch_norm", batch_norm::write),
    op("layer_norm", layer_norm::write),
    op("activation", activation::write),
    op("leaky_relu", prelu::write_leaky_relu),
    op("prelu", prelu::write),
    op("softmax", softmax::write),
    op("pool", pool::write),
    op("blur_pool", blur_pool::write),
    op("max_unpool", max_unpool::write),
    op("global_pool", global_pool::write),
    op("add", add::write),
    op("mul", mul::write),
    op("mean", mean::write),
    op("mix", mix::write),
    op("concat", concat::write),
    op("slice", slice::write),
    op("reshape", reshape::write),
    op("permute", permute::write),
    op("scale", scale::write),
    op("standardize", standardize::write),
    op("dropout", dropout::write),
    op("channel_dropout", dropout::write),
    op("drop_path", dropout::write),
    op("zero", zero::write),
];

/// Translates any node.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let kind = w.node(id).op.kind();
    let op = OPS.iter().find(|o| o.kind == kind).ok_or_else(|| unknown(w, id))?;
    (op.write)(w, id)
}

fn unknown(w: &Writer, id: NodeId) -> ExportError {
    let node = w.node(id);
    ExportError::Operator { node: node.name.clone(), kind: node.op.kind().to_owned() }
}

/// The node's operator as a `T`.
fn get<'g, T: Op>(w: &Writer<'g>, id: NodeId) -> Result<&'g T, ExportError> {
    w.node(id).op.downcast::<T>().ok_or_else(|| unknown(w, id))
}

/// Input `i`, a value `[c]` with axes that spread it over the positions of the output.
fn spread(w: &mut Writer, id: NodeId, i: usize) -> String {
    let x = w.input(id, i);
    let (own, output) = (w.input_fact(id, i).shape().len(), w.node(id).fact.shape().len());
    if own == output {
        return x;
    }
    let axes: Vec<i64> = (2..=output as i64).collect();
    let axes = w.ints(id, "axes", &axes);
    w.push(id, "Unsqueeze", &[&x, &axes], Vec::new())
}
