//! Convolution and its transpose.

use super::image::{padding, planes, rows, two};
use super::{Run, Site};
use burn::tensor::module::{conv_transpose2d, conv2d, linear};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use nasmyth_graph::Op;
use nasmyth_graph::ops::{Conv, ConvTranspose};

pub(super) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
    if let Some(conv) = op.downcast::<ConvTranspose>() {
        return Some(lower_transpose(conv, site));
    }
    let conv = op.downcast::<Conv>()?.clone();
    let input = site.inputs[0].clone();
    let per_group = input.channels() / conv.groups;
    if conv.groups == 1 && is_dense(&conv) {
        return Some(Box::new(move |mut call| {
            let weight = call.params[0].clone().reshape([per_group, conv.out]);
            linear(call.input(), weight, call.params.get(1).cloned())
        }));
    }
    let [height, width] = two(&conv.kernel, 1);
    let options = ConvOptions::new_with_padding(
        two(&conv.stride, 1),
        padding(&conv.pad),
        two(&conv.dilation, 1),
        conv.groups,
    );
    Some(Box::new(move |mut call| {
        let weight = call.params[0].clone().reshape([height, width, per_group, conv.out]);
        let weight = weight.permute([3, 2, 0, 1]);
        let bias = call.params.get(1).cloned();
        rows(conv2d(planes(call.input(), &input), weight, bias, options.clone()))
    }))
}

/// Burn cuts off the same at both ends; here what is cut off is left out of the whole output.
fn lower_transpose(conv: &ConvTranspose, site: &Site) -> Run {
    let (input, bias) = (site.inputs[0].clone(), conv.bias);
    let [height, width] = two(&conv.kernel, 1);
    let (inputs, per_group) = (input.channels(), conv.out / conv.groups);
    let (stride, output_pad) = (two(&conv.stride, 1), two(&conv.output_pad, 0));
    let options = ConvTransposeOptions::new(stride, [0, 0], output_pad, [1, 1], conv.groups);
    let [(top, _), (left, _)] = padding(&conv.pad);
    let [rows_left, columns_left] = two(site.output.spatial(), 1);
    Box::new(move |mut call| {
        let weight = call.params[0].clone().reshape([height, width, inputs, per_group]);
        let weight = weight.permute([2, 3, 0, 1]);
        let bias = bias.then(|| call.params[1].clone());
        let whole = conv_transpose2d(planes(call.input(), &input), weight, bias, options.clone());
        rows(whole.narrow(2, top, rows_left).narrow(3, left, columns_left))
    })
}

/// Whether every output is computed from one position, the same that it lies at.
fn is_dense(conv: &Conv) -> bool {
    let all = |values: &[usize], value| values.iter().all(|&v| v == value);
    all(&conv.kernel, 1) && all(&conv.stride, 1) && all(&conv.pad, 0)
}
