//! Noise in training. What is dropped is drawn by the CPU, as in its own kernels: a device's generator has one state for all who
//! use it.

use super::{Run, Site, Value, axes};
use crate::kernels::{draw_factors, draw_shares};
use burn::tensor::{Tensor, TensorData};
use nasmyth_graph::Op;
use nasmyth_graph::ops::{ChannelDropout, DropPath, Dropout, Mean};

pub(super) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
    if let Some(&Mean { drop }) = op.downcast::<Mean>() {
        return Some(lower_mean(drop, site));
    }
    let elements = op.downcast::<Dropout>().map(|op| (op.rate, axes(site.output, site.batch)));
    let channels =
        op.downcast::<ChannelDropout>().map(|op| (op.rate, [site.batch, 1, site.output.channels()]));
    let samples = op.downcast::<DropPath>().map(|op| (op.rate, [site.batch, 1, 1]));
    let (rate, axes) = elements.or(channels).or(samples)?;
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

fn lower_mean(drop: f64, site: &Site) -> Run {
    let (inputs, batch, device) = (site.inputs.len(), site.batch, site.device.clone());
    let sum = |terms: Vec<Value>| terms.into_iter().reduce(|sum, term| sum + term);
    if !site.training || drop == 0.0 {
        return Box::new(move |call| sum(call.inputs).expect("a mean has inputs").div_scalar(inputs as f64));
    }
    Box::new(move |call| {
        let mut shares = vec![0f32; batch * inputs];
        draw_shares(drop, inputs, call.seeds, &mut shares);
        let shares = Tensor::<3>::from_data(TensorData::new(shares, [batch, 1, inputs]), &device);
        let term = |(k, x): (usize, Value)| x * shares.clone().narrow(2, k, 1);
        sum(call.inputs.into_iter().enumerate().map(term).collect()).expect("a mean has inputs")
    })
}
