//! Smaller and larger images besides pooling.

use super::image::{planes, rows, two};
use super::{Run, Site, axes};
use burn::tensor::module::max_pool2d_with_indices;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};
use nasmyth_graph::Op;
use nasmyth_graph::ops::{BlurPool, MaxUnpool};

pub(super) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
    if let Some(op) = op.downcast::<BlurPool>() {
        return Some(lower_blur(op, site));
    }
    let kernel = two(&op.downcast::<MaxUnpool>()?.kernel, 1);
    let (value, source) = (site.inputs[0].clone(), site.inputs[1].clone());
    let options = MaxPoolOptions { stride: kernel, ..MaxPoolOptions::new(kernel) };
    Some(Box::new(move |call| {
        // Which element is largest is not a quantity: no gradient goes through it.
        let source_planes = planes(call.inputs[1].clone().detach(), &source);
        let [batch, channels, height, width] = source_planes.dims();
        let (_, holders) = max_pool2d_with_indices(source_planes.clone(), options.clone());
        let values = planes(call.inputs[0].clone(), &value).flatten::<3>(2, 3);
        let empty = source_planes.zeros_like().reshape([batch, channels, height * width]);
        let y = empty.scatter(2, holders.flatten::<3>(2, 3), values, IndexingUpdateOp::Add);
        rows(y.reshape([batch, channels, height, width]))
    }))
}

/// Axis by axis, the sum over the taps of the filter of the positions that lie under each.
fn lower_blur(blur: &BlurPool, site: &Site) -> Run {
    let (spatial, channels) = (site.inputs[0].spatial(), site.inputs[0].channels());
    let image =
        [site.batch, spatial[..spatial.len() - 1].iter().product(), spatial[spatial.len() - 1], channels];
    let taps = |length: usize| -> Vec<(Tensor<1, Int>, f64)> {
        let (under, size) = (blur.under(length), blur.size);
        let tap = |(k, factor)| {
            let positions: Vec<i64> = under.iter().skip(k).step_by(size).map(|&at| at as i64).collect();
            let data = TensorData::new(positions, [under.len() / size]);
            (Tensor::from_data(data, site.device), factor)
        };
        blur.filter().into_iter().enumerate().map(tap).collect()
    };
    // A single spatial axis is the second of the two.
    let passes: Vec<_> =
        spatial.iter().enumerate().map(|(i, &length)| (3 - spatial.len() + i, taps(length))).collect();
    let output = axes(site.output, site.batch);
    Box::new(move |mut call| {
        let smoothed = passes.iter().fold(call.input().reshape(image), |x: Tensor<4>, (axis, taps)| {
            let term = |(at, factor): &(Tensor<1, Int>, f64)| {
                x.clone().select(*axis, at.clone()).mul_scalar(*factor)
            };
            taps.iter().map(term).reduce(|sum, term| sum + term).expect("a filter has taps")
        });
        smoothed.reshape(output)
    })
}
