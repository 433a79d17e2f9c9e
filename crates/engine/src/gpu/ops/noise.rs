//! Noise in training. What is dropped is drawn on the CPU, from the seed of the call: a device's own generator has one state for
//! all who use it.

use super::{Run, Site, axes};
use burn::tensor::{Tensor, TensorData};
use nasmyth_graph::Op;
use nasmyth_graph::ops::{DropPath, Dropout};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(super) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
    let elements = op.downcast::<Dropout>().map(|op| (op.rate, axes(site.output, site.batch)));
    let samples = op.downcast::<DropPath>().map(|op| (op.rate, [site.batch, 1, 1]));
    let (rate, groups) = elements.or(samples)?;
    if !site.training {
        return Some(Box::new(|mut call| call.input()));
    }
    let device = site.device.clone();
    Some(Box::new(move |mut call| {
        let data = TensorData::new(factors(rate, groups.iter().product(), call.seed), groups);
        call.input() * Tensor::from_data(data, &device)
    }))
}

/// For each group of elements that live or die together 0, with probability `rate`, or `1 / (1 - rate)`.
fn factors(rate: f64, groups: usize, seed: u64) -> Vec<f32> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let kept = (1.0 / (1.0 - rate)) as f32;
    (0..groups).map(|_| if rng.random::<f64>() < rate { 0.0 } else { kept }).collect()
}
