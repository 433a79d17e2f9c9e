//! Values as images, and windows over them.

use super::Value;
use burn::tensor::Tensor;
use nasmyth_graph::Fact;

/// Two spatial axes; a single one counts as two of which the first has `missing`.
pub fn two(axes: &[usize], missing: usize) -> [usize; 2] {
    match axes {
        [x] => [missing, *x],
        _ => [axes[0], axes[1]],
    }
}

/// Padding at begin and end of both axes, from the begins of all axes and then their ends.
pub fn padding(pad: &[usize]) -> [(usize, usize); 2] {
    let (begin, end) = pad.split_at(pad.len() / 2);
    let (begin, end) = (two(begin, 0), two(end, 0));
    [(begin[0], end[0]), (begin[1], end[1])]
}

/// `[batch, channels, height, width]`, as Burn's convolutions and pools take them.
pub fn planes(x: Value, fact: &Fact) -> Tensor<4> {
    let [batch, _, channels] = x.dims();
    let [height, width] = two(fact.spatial(), 1);
    x.reshape([batch, height, width, channels]).permute([0, 3, 1, 2])
}

/// Back to `[batch, positions, channels]`.
pub fn rows(y: Tensor<4>) -> Value {
    let [batch, channels, height, width] = y.dims();
    y.permute([0, 2, 3, 1]).reshape([batch, height * width, channels])
}
