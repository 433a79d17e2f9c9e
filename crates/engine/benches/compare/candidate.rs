//! A network in training: what one worker of a search holds, and its step.

use super::Result;
use super::networks::Network;
use nasmyth_engine::{Arena, Crew, Loss, Mode, Options, ParamStore, Plan, vectorized};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::time::Instant;

const RATE: f32 = 0.01;
const MOMENTUM: f32 = 0.9;

/// A plan with everything that a step reads and writes.
pub struct Candidate {
    plan: Plan<f32>,
    crew: Crew,
    arena: Arena<f32>,
    params: ParamStore<f32>,
    grads: Vec<f32>,
    momenta: Vec<f32>,
}

/// Bytes that a step needs.
pub struct Bytes {
    /// Activations, gradients of activations, saved values, scratch.
    pub arena: usize,
    /// Parameters and running statistics.
    pub params: usize,
    /// Gradients of parameters.
    pub grads: usize,
    /// The optimiser's memory.
    pub momenta: usize,
}

impl Candidate {
    /// Fresh parameters and a fixed random batch. The batch of each step is divided over `threads`.
    pub fn new(network: &Network, threads: usize) -> Result<Self> {
        let graph = (network.graph)()?;
        let mode = Mode::Train(Loss::CrossEntropy);
        let plan =
            Plan::compile_with(&graph, Options { parts: threads, ..Options::new(network.batch, mode) })?;
        let params = ParamStore::new(&graph, 0);
        let trained = params.layout().trained().len();
        let mut arena = plan.arena();
        fill(&plan, &mut arena);
        Ok(Self {
            crew: Crew::new(threads),
            plan,
            arena,
            params,
            grads: vec![0.0; trained],
            momenta: vec![0.0; trained],
        })
    }

    /// Forward, loss, backward, SGD with momentum, running statistics.
    pub fn step(&mut self) {
        self.plan.train_with(&mut self.crew, &self.params, &mut self.grads, &mut self.arena, 0);
        let params = &mut self.params.values_mut()[..self.grads.len()];
        self.crew.share([params, &mut self.momenta, &mut self.grads], |_, [params, momenta, grads]| {
            vectorized(
                #[inline(always)]
                || {
                    for ((p, m), &g) in params.iter_mut().zip(momenta.iter_mut()).zip(&*grads) {
                        *m = MOMENTUM * *m + g;
                        *p -= RATE * *m;
                    }
                },
            );
        });
        self.plan.update_buffers(&mut self.params, &self.arena);
    }

    /// Median seconds of `steps` steps.
    pub fn median_step(&mut self, steps: usize) -> f64 {
        median((0..steps).map(|_| seconds(|| self.step())).collect())
    }

    /// What a step needs.
    pub fn bytes(&self) -> Bytes {
        Bytes {
            arena: self.arena.bytes(),
            params: size_of_val(self.params.values()),
            grads: size_of_val(&self.grads[..]),
            momenta: size_of_val(&self.momenta[..]),
        }
    }
}

/// Inputs of mean 0 and variance 1; the class of sample `i` is `i` modulo classes.
fn fill(plan: &Plan<f32>, arena: &mut Arena<f32>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let spread = 3f32.sqrt();
    plan.input(arena).iter_mut().for_each(|v| *v = spread * (2.0 * rng.random::<f32>() - 1.0));
    let target = plan.target(arena);
    let classes = target.len() / plan.batch();
    target.fill(0.0);
    target.chunks_exact_mut(classes).enumerate().for_each(|(i, row)| row[i % classes] = 1.0);
}

/// How long `f` takes.
pub fn seconds(f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_secs_f64()
}

/// The upper median, as in `pytorch_step.py`.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
