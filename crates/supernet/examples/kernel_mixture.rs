//! Times a choice among ten convolutions over a series as ten convolutions, as one with the mixed kernel, and through the Fourier
//! domain: `cargo run --release -p nasmyth-supernet --example kernel_mixture`.

use nasmyth_engine::{Loss, Mode, ParamStore, Plan};
use nasmyth_graph::ops::{Conv, GlobalPool, Linear, Mix, Pooling};
use nasmyth_graph::{Graph, GraphError, NodeId, VerifiedGraph};
use nasmyth_supernet::relaxed::{KernelMixture, fourier_convolution};
use std::time::Instant;

const STEPS: usize = 1024;
const BATCH: usize = 16;
const REPEATS: usize = 9;

fn network(
    channels: usize,
    layer: impl FnOnce(&mut Graph, NodeId) -> Result<NodeId, GraphError>,
) -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("mixture");
    let x = g.input(&[STEPS, channels])?;
    // Of the input no gradient is wanted; of what a layer inside a network reads, it is.
    let x = g.push(Conv::same(channels, &[1]), &[x])?;
    let y = layer(&mut g, x)?;
    let y = g.push(GlobalPool(Pooling::Average), &[y])?;
    let y = g.push(Linear::new(4), &[y])?;
    g.output(y);
    g.verify()
}

/// Median milliseconds.
fn time(mut f: impl FnMut()) -> f64 {
    f();
    let mut times: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            f();
            1e3 * start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[REPEATS / 2]
}

fn forward(graph: &VerifiedGraph) -> f64 {
    let Ok(plan) = Plan::<f32>::compile(graph, BATCH, Mode::Infer) else { return f64::NAN };
    let (params, mut arena) = (ParamStore::new(graph, 0), plan.arena());
    time(|| plan.forward(&params, &mut arena))
}

fn step(graph: &VerifiedGraph) -> f64 {
    let Ok(plan) = Plan::<f32>::compile(graph, BATCH, Mode::Train(Loss::CrossEntropy)) else {
        return f64::NAN;
    };
    let (params, mut arena) = (ParamStore::new(graph, 0), plan.arena());
    let mut grads = vec![0.0; params.layout().trained().len()];
    time(|| {
        plan.train(&params, &mut grads, &mut arena, 0);
    })
}

fn main() -> Result<(), GraphError> {
    for (dilations, channels) in [([1, 3], 8), ([1, 3], 16), ([1, 7], 16), ([1, 15], 16)] {
        let options = [3, 5, 7, 9, 11].into_iter().flat_map(|k| dilations.map(|d| (k, d))).collect();
        let mixture = KernelMixture { options, inputs: channels, outputs: channels };
        let naive = network(channels, |g, x| {
            let conv = |&(k, d): &(usize, usize)| Conv::same(channels, &[k]).dilation(d);
            let outputs: Result<Vec<NodeId>, _> =
                mixture.options.iter().map(|o| g.push(conv(o), &[x])).collect();
            g.push(Mix, &outputs?)
        })?;
        let mixed = network(channels, |g, x| g.push(Conv::same(channels, &[mixture.len()]), &[x]))?;
        let kernels: Vec<Vec<f32>> =
            mixture.options.iter().map(|o| vec![0.1; o.0 * channels * channels]).collect();
        let shares = vec![0.1; mixture.options.len()];
        let kernel = mixture.mix(&kernels, &shares);
        let mixing = time(|| drop(mixture.mix(&kernels, &shares)));
        let dividing = time(|| drop(mixture.pull_back(&kernels, &shares, &kernel)));
        let series = vec![0.5; STEPS * channels];
        let fourier = time(|| {
            (0..BATCH).for_each(|_| drop(fourier_convolution(&series, &kernel, channels, channels)));
        });
        let ([naive_forward, naive_step], [forward, step]) =
            ([forward(&naive), step(&naive)], [forward(&mixed) + mixing, step(&mixed) + mixing + dividing]);
        println!(
            "{STEPS} steps, batch {BATCH}, {channels} channels, dilations {dilations:?}, {} taps: forward naive \
             {naive_forward:.2} ms, mixed kernel {forward:.2} ms ({:.1}x), Fourier {fourier:.2} ms ({:.1}x); training \
             step naive {naive_step:.2} ms, mixed kernel {step:.2} ms ({:.1}x)",
            mixture.len(),
            naive_forward / forward,
            naive_forward / fourier,
            naive_step / step
        );
    }
    Ok(())
}
