//! Times a choice among ten convolutions over a series as ten convolutions, as one with the mixed kernel of each dilation, and as one
//! in the Fourier domain: `cargo run --release -p nasmyth-supernet --example kernel_mixture`.

mod fourier;

use fourier::FourierConvolution;
use nasmyth_engine::{Loss, Mode, ParamStore, Plan};
use nasmyth_graph::ops::{Add, Conv, GlobalPool, Linear, Mix, Pooling};
use nasmyth_graph::{Graph, NodeId, VerifiedGraph};
use nasmyth_supernet::relaxed::KernelMixture;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

const STEPS: usize = 1024;
const BATCH: usize = 16;
const CHANNELS: usize = 16;
const REPEATS: usize = 15;

/// A layer of convolutions of these sizes and dilations, alone or as part of a small network that trains.
fn network(
    convolutions: &[(usize, usize)],
    sum: bool,
    trains: bool,
) -> Result<VerifiedGraph, Box<dyn Error>> {
    let mut g = Graph::new("mixture");
    let mut x = g.input(&[STEPS, CHANNELS])?;
    if trains {
        // So that the gradient of what the layer reads is wanted, as inside a network.
        x = g.push(Conv::same(CHANNELS, &[1]), &[x])?;
    }
    let mut outputs: Vec<NodeId> = Vec::new();
    for (i, &(size, dilation)) in convolutions.iter().enumerate() {
        let conv = Conv::same(CHANNELS, &[size]).dilation(dilation);
        outputs.push(g.add(format!("conv{i}"), Arc::new(conv), &[x])?);
    }
    let mut y = match sum {
        true => g.push(Add, &outputs)?,
        false => g.add("mix", Arc::new(Mix), &outputs)?,
    };
    if trains {
        y = g.push(GlobalPool(Pooling::Average), &[y])?;
        y = g.push(Linear::new(4), &[y])?;
    }
    g.output(y);
    Ok(g.verify()?)
}

/// Least milliseconds: what the machine does when nothing else runs on it.
fn time(mut f: impl FnMut()) -> f64 {
    let once = |f: &mut dyn FnMut()| {
        let start = Instant::now();
        f();
        1e3 * start.elapsed().as_secs_f64()
    };
    (0..REPEATS).map(|_| once(&mut f)).fold(f64::INFINITY, f64::min)
}

/// The layer's outputs for a batch, and the time that they take. `set`: puts kernels in place.
fn forward(
    graph: &VerifiedGraph,
    x: &[f32],
    set: impl Fn(&mut ParamStore),
) -> Result<(Vec<f32>, f64), Box<dyn Error>> {
    let plan = Plan::<f32>::compile(graph, BATCH, Mode::Infer)?;
    let (mut params, mut arena) = (ParamStore::new(graph, 0), plan.arena());
    plan.input(&mut arena).copy_from_slice(x);
    let time = time(|| {
        set(&mut params);
        plan.forward(&params, &mut arena);
    });
    Ok((plan.output(&arena).to_vec(), time))
}

/// The time of a training step.
fn step(graph: &VerifiedGraph) -> Result<f64, Box<dyn Error>> {
    let plan = Plan::<f32>::compile(graph, BATCH, Mode::Train(Loss::CrossEntropy))?;
    let (params, mut arena) = (ParamStore::new(graph, 0), plan.arena());
    let mut grads = vec![0.0; params.layout().trained().len()];
    Ok(time(|| {
        plan.train(&params, &mut grads, &mut arena, 0);
    }))
}

fn put(params: &mut ParamStore, kernels: &[Vec<f32>]) {
    for (i, kernel) in kernels.iter().enumerate() {
        if let Some(own) = params.get_mut(&format!("conv{i}.weight")) {
            own.copy_from_slice(kernel);
        }
    }
}

/// Numbers in ±0.1 that follow from their index alone.
fn numbers(len: usize, salt: usize) -> Vec<f32> {
    (0..len).map(|i| 0.1 * ((i * 7919 + salt) as f32 * 12.9898).sin()).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    for dilations in [[1, 3], [1, 7], [1, 15]] {
        let options: Vec<_> = [3, 5, 7, 9, 11]
            .into_iter()
            .flat_map(|size| dilations.map(|dilation| (size, dilation)))
            .collect();
        let mixture = KernelMixture::new(options.clone(), CHANNELS * CHANNELS);
        let kernel = |(i, o): (usize, &(usize, usize))| numbers(o.0 * CHANNELS * CHANNELS, i);
        let kernels: Vec<Vec<f32>> = options.iter().enumerate().map(kernel).collect();
        let shares: Vec<f64> = numbers(options.len(), 99).iter().map(|&s| f64::from(s)).collect();
        let x = numbers(BATCH * STEPS * CHANNELS, 5);

        let weights: Vec<f32> = shares.iter().map(|&s| s as f32).collect();
        let (expected, naive) = forward(&network(&options, false, false)?, &x, |params| {
            put(params, &kernels);
            if let Some(own) = params.get_mut("mix.weight") {
                own.copy_from_slice(&weights);
            }
        })?;
        let convolutions = mixture.convolutions();
        let (got, mixed) = forward(&network(convolutions, true, false)?, &x, |params| {
            put(params, &mixture.mix(&kernels, &shares));
        })?;

        let taps = convolutions.iter().map(|c| (c.0 - 1) * c.1 + 1).max().unwrap_or(1);
        let tap = CHANNELS * CHANNELS;
        let mut whole = vec![0.0; taps * tap];
        for (kernel, (size, dilation)) in mixture.mix(&kernels, &shares).iter().zip(convolutions) {
            let first = (taps - ((size - 1) * dilation + 1)) / 2;
            for (t, from) in kernel.chunks_exact(tap).enumerate() {
                let to = &mut whole[(first + t * dilation) * tap..][..tap];
                to.iter_mut().zip(from).for_each(|(w, f)| *w += f);
            }
        }
        let mut of_fourier = Vec::new();
        let fourier = time(|| {
            let convolution = FourierConvolution::new(&whole, STEPS, CHANNELS, CHANNELS);
            of_fourier = x.chunks_exact(STEPS * CHANNELS).flat_map(|x| convolution.apply(x)).collect();
        });

        let error = |got: &[f32]| got.iter().zip(&expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max);
        let gradients = mixture.mix(&kernels, &shares);
        let around = time(|| {
            mixture.mix(&kernels, &shares);
            mixture.pull_back(&kernels, &shares, &gradients);
        });
        let naive_step = step(&network(&options, false, true)?)?;
        let mixed_step = step(&network(convolutions, true, true)?)? + around;
        println!(
            "dilations {dilations:?}: forward {naive:.2} ms, mixed kernels {mixed:.2} ms ({:.1}x, off by {:.0e}), Fourier \
             {fourier:.2} ms ({:.1}x, off by {:.0e}); training step {naive_step:.2} ms, mixed kernels {mixed_step:.2} ms ({:.1}x)",
            naive / mixed,
            error(&got),
            naive / fourier,
            error(&of_fourier),
            naive_step / mixed_step
        );
    }
    Ok(())
}
