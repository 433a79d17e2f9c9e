//! Noise in training. What is dropped is drawn by the CPU, as in its own kernels: a device's generator has one state for all who
//! use it.

use super::{Run, Site, axes};
use crate::kernels::draw_factors;
use burn::tensor::{Tensor, TensorData};
use nasmyth_graph::Op;
use nasmyth_graph::ops::{DropPath, Dropout};

pub(super) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
    let elements = op.downcast::<Dropout>().map(|op| (op.rate, axes(site.output, site.batch)));
    let samples = op.downcast::<DropPath>().map(|op| (op.rate, [site.batch, 1, 1]));
    let (rate, axes) = elements.or(samples)?;
    if !site.training {
        return Some(Box::new(|mut call| call.input()));
    }
    let device = site.device.clone();
    Some(Box::new(move |mut call| {
        let mut factors = vec![0f32; axes.iter().product()];
        draw_factors(rate, axes[1] * axes[2], call.seeds, &mut factors);
        call.input() * Tensor::from_data(TensorData::new(factors, axes), &device)
    }))
}
