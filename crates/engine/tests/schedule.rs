//! How a step is divided over time and threads does not change what it computes.

use nasmyth_engine::{Crew, Loss, Mode, Options, ParamStore, Plan, Real};
use nasmyth_graph::blocks::{InvertedResidual, conv_bn_act, inverted_residual};
use nasmyth_graph::ops::{Add, Concat, Conv, Dropout, Function, GlobalPool, Linear, Pool, Pooling};
use nasmyth_graph::{Graph, GraphError, VerifiedGraph};

const BATCH: usize = 7;

/// Batch norms one after the other and side by side, values that many segments need, noise, all kinds of convolution.
fn network() -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("network");
    let x = g.input(&[9, 7, 3])?;
    let relu = Some(Function::Relu);
    let x = conv_bn_act(&mut g, x, Conv::same(16, &[3, 3]), relu)?;
    let block = InvertedResidual::new(16, 2, 16, &[5, 5]).squeeze(0.25).act(Function::HardSwish);
    let a = inverted_residual(&mut g, x, &block)?;
    let b = conv_bn_act(&mut g, x, Conv::same(16, &[3, 3]), Some(Function::Gelu))?;
    let c = g.push(Pool::same(Pooling::Average, &[3, 3]), &[b])?;
    let d = g.push(Add, &[a, c])?;
    let e = g.push(Concat, &[d, x])?;
    let e = conv_bn_act(&mut g, e, Conv::same(12, &[3, 3]).stride(2), None)?;
    let y = g.push(GlobalPool(Pooling::Average), &[e])?;
    let y = g.push(Dropout { rate: 0.3 }, &[y])?;
    let y = g.push(Linear::new(5), &[y])?;
    g.output(y);
    g.verify()
}

/// Loss, outputs, gradients and buffers after two steps.
fn steps<T: Real>(options: Options, threads: usize) -> Vec<T> {
    let g = network().unwrap();
    let plan = Plan::<T>::compile_with(&g, options).unwrap();
    let mut params = ParamStore::new(&g, 3).map(|v| T::of(f64::from(v)));
    let (mut arena, mut crew) = (plan.arena(), Crew::new(threads));
    let (x, t) = plan.sample(&mut arena);
    x.iter_mut().enumerate().for_each(|(i, v)| *v = T::of((i * 37 % 101) as f64 / 50.0 - 1.0));
    t.iter_mut().enumerate().for_each(|(i, v)| *v = T::of(f64::from(u8::from(i % 5 == i / 5 % 5))));
    let mut grads = vec![T::of(f64::NAN); params.layout().trained().len()];
    let mut results = Vec::new();
    for seed in 0..2 {
        results.push(plan.train_with(&mut crew, &params, &mut grads, &mut arena, seed));
        plan.update_buffers(&mut params, &arena);
        results.extend_from_slice(plan.output(&arena));
        results.extend_from_slice(&grads);
        params.values_mut().iter_mut().zip(&grads).for_each(|(p, &g)| *p -= T::of(0.1) * g);
    }
    results.extend_from_slice(params.values());
    results
}

fn options(parts: usize, cache: usize) -> Options {
    Options { parts, cache, ..Options::new(BATCH, Mode::Train(Loss::CrossEntropy)) }
}

#[test]
fn parts_and_chunks_change_nothing_but_rounding() {
    let whole = steps::<f64>(options(1, usize::MAX), 1);
    for parts in [1, 2, 3, BATCH] {
        for cache in [0, 20_000, usize::MAX] {
            let divided = steps::<f64>(options(parts, cache), 1);
            let pairs = whole.iter().zip(&divided);
            let worst = pairs.map(|(a, b)| (a - b).abs() / a.abs().max(1e-2)).fold(0.0, f64::max);
            assert!(worst < 1e-9 && divided.len() == whole.len(), "{parts} parts, cache {cache}: {worst}");
        }
    }
}

#[test]
fn statistics_alone_are_those_of_a_whole_step() {
    let g = network().unwrap();
    for (parts, cache) in [(1, usize::MAX), (3, 10_000), (BATCH, 0)] {
        let plan = Plan::<f32>::compile_with(&g, options(parts, cache)).unwrap();
        let buffers = |whole: bool| -> Vec<u32> {
            let (mut params, mut arena) = (ParamStore::new(&g, 3), plan.arena());
            let mut grads = vec![0.0; params.layout().trained().len()];
            for step in 0..2 {
                let x = plan.input(&mut arena);
                x.iter_mut().enumerate().for_each(|(i, v)| *v = ((i + step) * 37 % 101) as f32 / 50.0 - 1.0);
                if whole {
                    plan.train(&params, &mut grads, &mut arena, step as u64);
                } else {
                    plan.measure(&params, &mut arena, step as u64);
                }
                plan.update_buffers(&mut params, &arena);
            }
            params.values().iter().map(|v| v.to_bits()).collect()
        };
        let fresh = ParamStore::<f32>::new(&g, 3);
        assert!(fresh.values().iter().zip(buffers(true)).any(|(v, moved)| v.to_bits() != moved));
        assert!(buffers(false) == buffers(true), "{parts} parts, cache {cache}");
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let bits = |threads| -> Vec<u32> {
        steps::<f32>(options(3, 10_000), threads).iter().map(|v| v.to_bits()).collect()
    };
    let alone = bits(1);
    for threads in [2, 3, 5] {
        assert!(bits(threads) == alone, "{threads} threads");
    }
}
