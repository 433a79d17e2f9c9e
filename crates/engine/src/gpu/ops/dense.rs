//! Products with weights, and lookups in them.

use super::{Run, Site, axes};
use burn::tensor::module::{embedding, linear};
use burn::tensor::{Int, Tensor, TensorData};
use nasmyth_graph::Op;
use nasmyth_graph::ops::{Embedding, Linear, TokenEmbedding};

pub(super) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
    if let Some(op) = op.downcast::<Linear>() {
        let shape = [site.inputs[0].channels(), op.out];
        return Some(Box::new(move |mut call| {
            linear(call.input(), call.params[0].clone().reshape(shape), call.params.get(1).cloned())
        }));
    }
    if let Some(op) = op.downcast::<TokenEmbedding>() {
        let (shape, last) = ([op.vocabulary, op.width], (op.vocabulary - 1) as f64);
        return Some(Box::new(move |mut call| {
            let codes = call.input().detach().clamp(0.0, last).int().squeeze_dim::<2>(1);
            embedding(call.params[0].clone().reshape(shape), codes)
        }));
    }
    let op = op.downcast::<Embedding>()?;
    let columns = op.cardinalities.len();
    let row = |values: Vec<usize>| {
        let values: Vec<i64> = values.into_iter().map(|v| v as i64).collect();
        Tensor::<2, Int>::from_data(TensorData::new(values, [1, columns]), site.device)
    };
    let (first, last) = (row(op.offsets()), row(op.cardinalities.iter().map(|n| n - 1).collect()));
    let (shape, output) = ([op.cardinalities.iter().sum(), op.width], axes(site.output, site.batch));
    Some(Box::new(move |mut call| {
        // A code is not a quantity: no gradient goes through it.
        let codes = call.input().detach().clamp_min(0.0).int().squeeze_dim::<2>(1);
        let rows = codes.min_pair(last.clone().expand([output[0], columns])) + first.clone();
        embedding(call.params[0].clone().reshape(shape), rows).reshape(output)
    }))
}
