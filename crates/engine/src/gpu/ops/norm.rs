//! Normalisation, and what else there is per channel.

use super::{Run, Site};
use burn::tensor::module::{batch_norm, batch_norm_train, layer_norm};
use nasmyth_graph::Op;
use nasmyth_graph::ops::{BatchNorm, LayerNorm, Scale, Standardize};

pub(super) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
    if let Some(op) = op.downcast::<BatchNorm>() {
        return Some(lower_batch_norm(op.eps, site.training));
    }
    if let Some(op) = op.downcast::<LayerNorm>() {
        let eps = op.eps;
        return Some(Box::new(move |mut call| {
            layer_norm(call.input(), call.params[0].clone(), Some(call.params[1].clone()), eps)
        }));
    }
    if op.downcast::<Scale>().is_some() {
        return Some(Box::new(|mut call| call.input() * call.per_channel(0)));
    }
    let inverse = op.downcast::<Standardize>()?.inverse;
    Some(Box::new(move |mut call| {
        let (x, mean, std) = (call.input(), call.per_channel(0), call.per_channel(1));
        if inverse { x * std + mean } else { (x - mean) / std }
    }))
}

/// Over all rows of the batch: channels are the second axis of `[rows, channels]`, where Burn wants them.
fn lower_batch_norm(eps: f64, training: bool) -> Run {
    Box::new(move |mut call| {
        let x = call.input();
        let axes @ [batch, positions, channels] = x.dims();
        let rows = x.reshape([batch * positions, channels]);
        let [gamma, beta, mean, variance] = [0, 1, 2, 3].map(|i| call.params[i].clone());
        if !training {
            return batch_norm(rows, gamma, beta, mean, variance, eps).reshape(axes);
        }
        let normalized = batch_norm_train(rows, gamma, beta, eps);
        call.statistics.extend([normalized.mean.inner(), normalized.variance.inner()]);
        normalized.output.reshape(axes)
    })
}
