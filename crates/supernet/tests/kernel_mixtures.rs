//! Mixed kernels against mixed outputs.

use nasmyth_engine::{Mode, ParamStore, Plan};
use nasmyth_graph::ops::{Add, Conv, Mix};
use nasmyth_graph::{Graph, NodeId};
use nasmyth_supernet::relaxed::KernelMixture;
use std::sync::Arc;

const STEPS: usize = 50;

/// Kernel sizes and dilations.
fn options() -> Vec<(usize, usize)> {
    [3, 5, 7, 9, 11].into_iter().flat_map(|k| [(k, 3), (k, 1)]).collect()
}

/// Numbers in ±1 that follow from their index alone.
fn numbers(len: usize, salt: f64) -> Vec<f32> {
    (0..len).map(|i| (((i as f64 * 12.9898 + salt).sin() * 43_758.545_3).fract()) as f32).collect()
}

fn parts() -> (Vec<Vec<f32>>, Vec<f64>) {
    let kernel = |(i, (k, _)): (usize, (usize, usize))| numbers(k * 6, i as f64);
    let shares = numbers(options().len(), 99.0).iter().map(|&s| f64::from(s)).collect();
    (options().into_iter().enumerate().map(kernel).collect(), shares)
}

/// What a layer of convolutions makes of a series.
fn layer(convolutions: &[(usize, usize)], kernels: &[Vec<f32>], shares: Option<&[f64]>) -> Vec<f32> {
    let mut g = Graph::new("layer");
    let x = g.input(&[STEPS, 2]).unwrap();
    let conv = |(i, &(k, d)): (usize, &(usize, usize))| {
        g.add(format!("conv{i}"), Arc::new(Conv::same(3, &[k]).dilation(d)), &[x]).unwrap()
    };
    let outputs: Vec<NodeId> = convolutions.iter().enumerate().map(conv).collect();
    let y = match shares {
        Some(_) => g.add("mix", Arc::new(Mix), &outputs),
        None => g.push(Add, &outputs),
    };
    g.output(y.unwrap());
    let g = g.verify().unwrap();
    let plan = Plan::<f32>::compile(&g, 1, Mode::Infer).unwrap();
    let (mut params, mut arena) = (ParamStore::new(&g, 0), plan.arena());
    for (i, kernel) in kernels.iter().enumerate() {
        params.get_mut(&format!("conv{i}.weight")).unwrap().copy_from_slice(kernel);
    }
    if let Some(shares) = shares {
        let weight = params.get_mut("mix.weight").unwrap();
        weight.iter_mut().zip(shares).for_each(|(w, &s)| *w = s as f32);
    }
    plan.input(&mut arena).copy_from_slice(&numbers(STEPS * 2, 7.0));
    plan.forward(&params, &mut arena);
    plan.output(&arena).to_vec()
}

#[test]
fn a_convolution_for_each_dilation_is_the_mixture_of_all() {
    let (mixture, (kernels, shares)) = (KernelMixture::new(options(), 6), parts());
    assert_eq!(mixture.convolutions(), [(11, 1), (11, 3)]);
    let naive = layer(&options(), &kernels, Some(&shares));
    let mixed = layer(mixture.convolutions(), &mixture.mix(&kernels, &shares), None);
    let worst = mixed.iter().zip(&naive).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max);
    assert!(mixed.len() == STEPS * 3 && worst < 1e-4, "{worst}");
}

#[test]
fn gradients_of_mixed_kernels_are_divided_by_the_chain_rule() {
    let (mixture, (kernels, shares)) = (KernelMixture::new(options(), 6), parts());
    let by = [numbers(11 * 6, 3.0), numbers(11 * 6, 4.0)];
    let value = |kernels: &[Vec<f32>], shares: &[f64]| -> f64 {
        let mixed = mixture.mix(kernels, shares);
        mixed.iter().flatten().zip(by.iter().flatten()).map(|(m, g)| f64::from(m * g)).sum()
    };
    let got = mixture.pull_back(&kernels, &shares, &by);
    // Linear in each, so that a whole step is exact up to rounding.
    for i in 0..options().len() {
        let mut moved = shares.clone();
        moved[i] += 1.0;
        let slope = value(&kernels, &moved) - value(&kernels, &shares);
        assert!((slope - got.shares[i]).abs() < 1e-4, "{slope} {}", got.shares[i]);
        let mut moved = kernels.clone();
        moved[i][4] += 1.0;
        let slope = value(&moved, &shares) - value(&kernels, &shares);
        assert!((slope - f64::from(got.kernels[i][4])).abs() < 1e-4);
    }
}
