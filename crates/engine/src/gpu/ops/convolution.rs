//! Convolution.

use super::image::{padding, planes, rows, two};
use super::{Run, Site};
use burn::tensor::module::{conv2d, linear};
use burn::tensor::ops::ConvOptions;
use nasmyth_graph::Op;
use nasmyth_graph::ops::Conv;

pub(super) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
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

/// Whether every output is computed from one position, the same that it lies at.
fn is_dense(conv: &Conv) -> bool {
    let all = |values: &[usize], value| values.iter().all(|&v| v == value);
    all(&conv.kernel, 1) && all(&conv.stride, 1) && all(&conv.pad, 0)
}
