//! Pooling over windows and over all positions.

use super::image::{padding, planes, rows, two};
use super::{Run, Site};
use burn::tensor::module::{avg_pool2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use nasmyth_graph::Op;
use nasmyth_graph::ops::{GlobalPool, Pool, Pooling};

pub(super) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
    if let Some(op) = op.downcast::<GlobalPool>() {
        return Some(match op.0 {
            Pooling::Max => Box::new(|mut call| call.input().max_dim(1)),
            Pooling::Average => Box::new(|mut call| call.input().mean_dim(1)),
        });
    }
    let pool = op.downcast::<Pool>()?;
    let (kernel_size, stride, padding) = (two(&pool.kernel, 1), two(&pool.stride, 1), padding(&pool.pad));
    let input = site.inputs[0].clone();
    Some(match pool.pooling {
        Pooling::Max => {
            let options = MaxPoolOptions { stride, padding, ..MaxPoolOptions::new(kernel_size) };
            Box::new(move |mut call| rows(max_pool2d(planes(call.input(), &input), options.clone())))
        }
        Pooling::Average => {
            let options = AvgPoolOptions::new(kernel_size);
            let options = AvgPoolOptions { stride, padding, count_include_pad: false, ..options };
            Box::new(move |mut call| rows(avg_pool2d(planes(call.input(), &input), options.clone())))
        }
    })
}
