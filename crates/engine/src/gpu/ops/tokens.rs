//! What attention over tokens needs besides linear layers.

use super::{Run, Site, axes};
use burn::tensor::Tensor;
use nasmyth_graph::Op;
use nasmyth_graph::ops::{ClassToken, MatMul, Permute, PositionEmbedding};

/// Axes of a sample that [`Permute`] may have here.
const RANK: usize = 5;

pub(super) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
    if let Some(op) = op.downcast::<MatMul>() {
        return Some(lower_matmul(op, site));
    }
    if let Some(Permute(order)) = op.downcast::<Permute>() {
        return lower_permute(order, site);
    }
    let [batch, positions, channels] = axes(site.output, site.batch);
    if op.downcast::<PositionEmbedding>().is_some() {
        return Some(Box::new(move |mut call| {
            let weight = call.params[0].clone().slice([0..positions * channels]);
            call.input() + weight.reshape([1, positions, channels])
        }));
    }
    let count = op.downcast::<ClassToken>()?.count;
    Some(Box::new(move |mut call| {
        let tokens = call.params[0].clone().reshape([1, count, channels]);
        Tensor::cat(vec![tokens.expand([batch, count, channels]), call.input()], 1)
    }))
}

/// Batch and leading axes are one.
fn lower_matmul(op: &MatMul, site: &Site) -> Run {
    let matrices = |shape: &[usize]| match shape {
        [leading @ .., rows, columns] => [site.batch * leading.iter().product::<usize>(), *rows, *columns],
        _ => [site.batch, 1, 1], // has two axes: its shape was inferred
    };
    let [a, b] = [0, 1].map(|i| matrices(site.inputs[i].shape()));
    let (transpose_b, factor, output) = (op.transpose_b, op.factor, axes(site.output, site.batch));
    Box::new(move |call| {
        let b = call.inputs[1].clone().reshape(b);
        let b = if transpose_b { b.swap_dims(1, 2) } else { b };
        call.inputs[0].clone().reshape(a).matmul(b).mul_scalar(factor).reshape(output)
    })
}

/// Axes that are missing to [`RANK`] have size 1 and come first.
fn lower_permute(order: &[usize], site: &Site) -> Option<Run> {
    let missing = RANK.checked_sub(order.len())?;
    let (mut from, mut permuted) = ([1; 1 + RANK], [0; 1 + RANK]);
    from[0] = site.batch;
    from[1 + missing..].copy_from_slice(site.inputs[0].shape());
    permuted.iter_mut().enumerate().for_each(|(i, axis)| *axis = i);
    permuted[1 + missing..].iter_mut().zip(order).for_each(|(to, axis)| *to = 1 + missing + axis);
    let output = axes(site.output, site.batch);
    Some(Box::new(move |mut call| call.input().reshape(from).permute(permuted).reshape(output)))
}
