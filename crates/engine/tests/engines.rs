//! Every engine computes what the CPU computes.

#[cfg(feature = "burn-cpu")]
mod random;

use nasmyth_engine::{Backend, BackendError, Engine};

#[test]
fn an_engine_that_is_not_built_in_says_how_to_build_it() {
    for backend in Backend::ALL.into_iter().filter(|b| !b.is_built()) {
        let error = Engine::open(backend, 1).err().unwrap();
        assert_eq!(error, BackendError::NotBuilt(backend));
        assert!(error.to_string().contains(&format!("--features {backend}")), "{error}");
    }
}

#[test]
fn auto_is_a_gpu_or_the_cpu() {
    let backend = Engine::open(Backend::Auto, 1).unwrap().backend();
    assert!(matches!(backend, Backend::Cpu | Backend::Cuda | Backend::Wgpu), "{backend}");
}

#[test]
fn only_the_cpu_is_used_by_several_threads() {
    assert_eq!(Engine::open(Backend::Cpu, 3).unwrap().threads(), 3);
    assert_eq!(Engine::cpu(3).single_threaded().threads(), 1);
}

#[cfg(feature = "burn-cpu")]
mod burn {
    use super::random::random_graph;
    use nasmyth_engine::{Backend, Engine, EngineError, Loss, Memory, Mode, Options, ParamStore, Program};
    use nasmyth_graph::ops::{Add, ChannelDropout, DropPath, Dropout, Input, Linear, Reshape, Slice, Zero};
    use nasmyth_graph::{Graph, NodeId, OPS, Op, Role, VerifiedGraph};
    use proptest::prelude::*;
    use std::sync::Arc;

    const BATCH: usize = 3;

    fn engine() -> Engine {
        Engine::open(Backend::BurnCpu, 1).unwrap()
    }

    /// A step: loss, outputs, gradients, parameters after the update of running statistics, and outputs at inference.
    fn results(engine: &Engine, g: &VerifiedGraph, loss: Loss) -> Vec<(&'static str, Vec<f32>)> {
        let mut params = parameters(g);
        let program = engine.compile(g, Options::new(BATCH, Mode::Train(loss))).unwrap();
        let mut memory = filled(&program, loss);
        let mut grads = vec![f32::NAN; params.layout().trained().len()];
        let loss = program.train(&params, &mut grads, &mut memory, 5);
        let output = program.output(&memory).to_vec();
        program.update_buffers(&mut params, &memory);
        let infer = engine.compile(g, Options::new(BATCH, Mode::Infer)).unwrap();
        let mut inferring = infer.memory();
        infer.sample(&mut inferring).0.copy_from_slice(program.sample(&mut memory).0);
        infer.forward(&params, &mut inferring);
        let infer = infer.output(&inferring).to_vec();
        vec![
            ("loss", vec![loss]),
            ("output", output),
            ("grads", grads),
            ("params", params.values().to_vec()),
            ("infer", infer),
        ]
    }

    fn number(i: usize) -> f32 {
        ((i * 367 + 11) % 1009) as f32 / 504.5 - 1.0
    }

    fn parameters(g: &VerifiedGraph) -> ParamStore<f32> {
        let mut params = ParamStore::new(g, 7);
        let entries = params.layout().clone();
        for entry in entries.entries().iter().filter(|e| e.role == Role::Buffer) {
            let values = params.values_mut()[entry.range.clone()].iter_mut();
            values.enumerate().for_each(|(i, v)| *v += 0.3 * (1.0 + number(i)));
        }
        params
    }

    fn filled(program: &Program, loss: Loss) -> Memory {
        let mut memory = program.memory();
        let (x, t) = program.sample(&mut memory);
        x.iter_mut().enumerate().for_each(|(i, v)| *v = number(i));
        let positive = loss == Loss::CrossEntropy;
        t.iter_mut().enumerate().for_each(|(i, v)| *v = number(7 * i) + f32::from(u8::from(positive)));
        memory
    }

    /// Values inside the graphs are of order 1: what they cancel to is as exact as they are, not more.
    const FLOOR: f32 = 0.01;

    /// Relative difference that rounding may make in a graph around one operator.
    const ONE: f32 = 1e-4;
    /// The same in random graphs, where gradients cancel in one batch norm after the other.
    const MANY: f32 = 1e-3;

    /// Asserts that Burn computes what the CPU computes, relative to each element, or to a hundredth of the largest or of 1.
    fn compare(g: &VerifiedGraph, loss: Loss, tolerance: f32) {
        let (expected, got) = (results(&Engine::cpu(1), g, loss), results(&engine(), g, loss));
        for ((name, expected), (_, got)) in expected.iter().zip(&got) {
            assert_eq!(expected.len(), got.len(), "{name}");
            let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
            for (i, (expected, got)) in expected.iter().zip(got).enumerate() {
                let scale = expected.abs().max(FLOOR * largest.max(1.0));
                let error = (expected - got).abs();
                assert!(
                    error <= tolerance * scale,
                    "{name}[{i}] is {got}, expected {expected} in\n{}",
                    g.to_text()
                );
            }
        }
    }

    /// A graph that trains through one operator: a linear layer makes its inputs, another reads its output.
    fn around(op: Arc<dyn Op>, shapes: &[Vec<usize>]) -> VerifiedGraph {
        let mut g = Graph::new("around");
        let total: usize = shapes.iter().map(|s| s.iter().product::<usize>()).sum();
        let x = g.input(&[4]).unwrap();
        let wide = g.push(Linear::new(total), &[x]).unwrap();
        let mut start = 0;
        let mut inputs: Vec<NodeId> = Vec::new();
        for shape in shapes {
            let end = start + shape.iter().product::<usize>();
            let part = g.push(Slice { start, end }, &[wide]).unwrap();
            inputs.push(g.push(Reshape(shape.clone()), &[part]).unwrap());
            start = end;
        }
        let y = g.add("op", op, &inputs).unwrap();
        let flat = nasmyth_graph::blocks::flatten(&mut g, y).unwrap();
        let y = g.push(Linear::new(3), &[flat]).unwrap();
        g.output(y);
        g.verify().unwrap()
    }

    #[test]
    fn every_operator_is_there_and_computes_the_same() {
        for (op, shapes) in OPS.iter().flat_map(|k| (k.examples)()) {
            if op.downcast::<Input>().is_some() {
                continue;
            }
            let g = around(op, &shapes);
            compare(&g, Loss::CrossEntropy, ONE);
            compare(&g, Loss::SquaredError { variance: 2.5 }, ONE);
        }
    }

    /// What a network has that drops: dropped elements, and the factor of the others.
    fn noise(op: impl Op, seed: u64) -> Vec<f32> {
        let mut g = Graph::new("noise");
        let x = g.input(&[20, 5]).unwrap();
        let y = g.push(op, &[x]).unwrap();
        g.output(y);
        let g = g.verify().unwrap();
        let program = engine().compile(&g, Options::new(64, Mode::Train(Loss::CrossEntropy))).unwrap();
        let mut memory = program.memory();
        program.sample(&mut memory).0.fill(1.0);
        program.train(&ParamStore::new(&g, 0), &mut [], &mut memory, seed);
        program.output(&memory).to_vec()
    }

    #[test]
    fn noise_keeps_the_mean_and_follows_from_the_seed() {
        let rate = 0.3;
        let kept = 1.0 / (1.0 - rate as f32);
        let elements = noise(Dropout { rate }, 1);
        assert!(elements.iter().all(|&v| v == 0.0 || (v - kept).abs() < 1e-6));
        // 6400 draws: the standard deviation of their mean is 0.008.
        let mean = elements.iter().sum::<f32>() / elements.len() as f32;
        assert!((mean - 1.0).abs() < 0.04, "{mean}");
        assert_eq!(elements, noise(Dropout { rate }, 1));
        assert_ne!(elements, noise(Dropout { rate }, 2));
        let channels = noise(ChannelDropout { rate }, 1);
        assert!(channels.chunks(100).all(|sample| sample.chunks(5).all(|row| row == &sample[..5])));
        assert!(channels.chunks(100).any(|sample| sample[..5].iter().any(|v| v != &sample[0])));
        let samples = noise(DropPath { rate }, 1);
        assert!(samples.chunks(100).all(|sample| sample.iter().all(|v| v == &sample[0])));
        let dropped = samples.chunks(100).filter(|sample| sample[0] == 0.0).count();
        assert!((6..=34).contains(&dropped), "{dropped} of 64 at a rate of {rate}");
    }

    #[test]
    fn a_parameter_without_influence_has_gradient_0() {
        let mut g = Graph::new("nothing");
        let x = g.input(&[4]).unwrap();
        let x = g.push(Linear::new(3), &[x]).unwrap();
        let y = g.push(Zero, &[x]).unwrap();
        g.output(y);
        let g = g.verify().unwrap();
        let results = results(&engine(), &g, Loss::CrossEntropy);
        assert!(results[2].1.iter().all(|&v| v == 0.0), "{:?}", results[2]);
    }

    #[test]
    fn a_batch_is_one_part() {
        let g = around(Arc::new(Add), &[vec![2], vec![2]]);
        let compile = |parts| {
            engine()
                .compile(&g, Options { parts, ..Options::new(BATCH, Mode::Infer) })
                .map(|p| p.parts().to_vec())
        };
        assert_eq!(compile(2).unwrap(), vec![0..BATCH; 1]);
        assert!(matches!(compile(BATCH + 1), Err(EngineError::Parts { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn random_graphs_compute_the_same(recipe in prop::collection::vec(any::<(u8, u8, u8)>(), 1..7)) {
            compare(&random_graph(&recipe), Loss::CrossEntropy, MANY);
        }
    }
}
