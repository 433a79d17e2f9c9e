//! Mixed kernels against mixed outputs.

use nasmyth_engine::{Mode, ParamStore, Plan};
use nasmyth_graph::ops::{Conv, Mix};
use nasmyth_graph::{Graph, NodeId};
use nasmyth_supernet::relaxed::{KernelMixture, fourier_convolution};

const STEPS: usize = 50;

fn mixture() -> KernelMixture {
    let options = [3, 5, 7, 9, 11].into_iter().flat_map(|k| [(k, 1), (k, 3)]).collect();
    KernelMixture { options, inputs: 2, outputs: 3 }
}

/// Numbers in ±1 that follow from their index alone.
fn numbers(len: usize, salt: f64) -> Vec<f32> {
    (0..len).map(|i| (((i as f64 * 12.9898 + salt).sin() * 43_758.545_3).fract()) as f32).collect()
}

fn parts(mixture: &KernelMixture) -> (Vec<Vec<f32>>, Vec<f64>) {
    let kernel = |(i, &(k, _)): (usize, &(usize, usize))| numbers(k * 6, i as f64);
    let shares = numbers(mixture.options.len(), 99.0).iter().map(|&s| f64::from(s)).collect();
    (mixture.options.iter().enumerate().map(kernel).collect(), shares)
}

fn near(got: &[f32], expected: &[f32]) {
    let worst = got.iter().zip(expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max);
    assert!(got.len() == expected.len() && worst < 1e-4, "{worst}");
}

#[test]
fn one_convolution_with_the_mixed_kernel_is_the_mixture_of_all() {
    let mixture = mixture();
    let (kernels, shares) = parts(&mixture);
    let series = numbers(STEPS * 2, 7.0);
    let run = |g: Graph, set: &dyn Fn(&mut ParamStore)| {
        let g = g.verify().unwrap();
        let plan = Plan::<f32>::compile(&g, 1, Mode::Infer).unwrap();
        let (mut params, mut arena) = (ParamStore::new(&g, 0), plan.arena());
        set(&mut params);
        plan.input(&mut arena).copy_from_slice(&series);
        plan.forward(&params, &mut arena);
        plan.output(&arena).to_vec()
    };
    let mut g = Graph::new("naive");
    let x = g.input(&[STEPS, 2]).unwrap();
    let conv = |(i, &(k, d)): (usize, &(usize, usize))| (i, Conv::same(3, &[k]).dilation(d));
    let outputs: Vec<NodeId> = (mixture.options.iter().enumerate().map(conv))
        .map(|(i, conv)| g.add(format!("conv{i}"), std::sync::Arc::new(conv), &[x]).unwrap())
        .collect();
    let y = g.add("mix", std::sync::Arc::new(Mix), &outputs).unwrap();
    g.output(y);
    let naive = run(g, &|params| {
        for (i, kernel) in kernels.iter().enumerate() {
            params.get_mut(&format!("conv{i}.weight")).unwrap().copy_from_slice(kernel);
        }
        let weight = params.get_mut("mix.weight").unwrap();
        weight.iter_mut().zip(&shares).for_each(|(w, &s)| *w = s as f32);
    });

    let mixed = mixture.mix(&kernels, &shares);
    let mut g = Graph::new("mixed");
    let x = g.input(&[STEPS, 2]).unwrap();
    let y = g.add("conv", std::sync::Arc::new(Conv::same(3, &[mixture.len()])), &[x]).unwrap();
    g.output(y);
    let direct = run(g, &|params| params.get_mut("conv.weight").unwrap().copy_from_slice(&mixed));
    near(&direct, &naive);
    near(&fourier_convolution(&series, &mixed, 2, 3), &naive);
}

#[test]
fn the_gradient_of_the_mixed_kernel_is_divided_by_the_chain_rule() {
    let mixture = mixture();
    let (kernels, shares) = parts(&mixture);
    let by = numbers(mixture.len() * 6, 3.0);
    let value = |kernels: &[Vec<f32>], shares: &[f64]| -> f64 {
        mixture.mix(kernels, shares).iter().zip(&by).map(|(m, g)| f64::from(m * g)).sum()
    };
    let got = mixture.pull_back(&kernels, &shares, &by);
    // Linear in each, so that a whole step is exact up to rounding.
    for i in 0..mixture.options.len() {
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
