//! The training loop.

use crate::{Checkpoint, Optimizer, Recipe, cosine, memory_share};
use nasmyth_data::{Batches, Dataset, Statistics, Subset, Task};
use nasmyth_engine::{Engine, EngineError, Loss, Memory, Mode, ParamLayout, ParamStore, Program};
use nasmyth_estimator::StopFlag;
use nasmyth_graph::VerifiedGraph;
use std::ops::Range;
use std::time::{Duration, Instant};
use thiserror::Error;

/// Why training ended without a network.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The loss left the finite numbers.
    #[error(
        "training diverged at step {step} of {steps} (loss {loss}): lower the learning rate or raise the warm-up"
    )]
    Diverged {
        /// Step of this segment.
        step: u64,
        /// Steps of this segment.
        steps: u64,
        /// What the loss was.
        loss: f32,
    },
    /// The stop flag was raised.
    #[error("training was interrupted")]
    Interrupted,
    /// The network does not fit the data.
    #[error(
        "the network takes inputs of shape {network:?} and has {outputs} outputs, the data has shape {data:?} and needs {needed} outputs"
    )]
    Mismatch {
        /// Input shape of the network.
        network: Vec<usize>,
        /// Its number of outputs.
        outputs: usize,
        /// Shape of a sample.
        data: Vec<usize>,
        /// Outputs that the task needs.
        needed: usize,
    },
    /// The machine is too small for it.
    #[error(
        "training this network needs {} MiB of memory, more than the {} MiB that one network may take on this machine: \
         limit its size (`--limit weights<=...`) or lower the recipe's batch",
        needed >> 20,
        share >> 20
    )]
    Memory {
        /// Bytes needed.
        needed: u64,
        /// Bytes that there are.
        share: u64,
    },
    /// The network cannot be compiled.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Where training stands.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Steps done of this segment.
    pub step: u64,
    /// Steps of this segment.
    pub steps: u64,
    /// Mean loss over the last steps.
    pub loss: f64,
}

/// A part of the batch with memory of its own.
struct Shard<'a> {
    batches: Batches<'a>,
    memory: Memory,
    grads: Vec<f32>,
    loss: f32,
}

/// Trains one network. What it computes is a function of network, data, recipe, seed and the lengths of the segments.
pub struct Trainer<'a> {
    recipe: Recipe,
    samples: usize,
    program: Program,
    params: ParamStore<f32>,
    average: ParamStore<f32>,
    optimizer: Optimizer,
    shards: Vec<Shard<'a>>,
    seed: u64,
    step: u64,
    threads: usize,
    /// Moving mean of the seconds of a step: short steps are not worth a thread.
    step_seconds: f64,
}

/// A step shorter than this runs its shards one after the other: starting threads would take a good part of it.
const WORTH_THREADS: f64 = 1e-3;

/// Parameters of `graph` as training starts: initialised from `seed`, with the statistics `s` of the training data in the input's
/// and the output's standardisation.
pub fn initial_params(graph: &VerifiedGraph, s: &Statistics, seed: u64) -> ParamStore<f32> {
    let mut params = ParamStore::new(graph, seed);
    for node in graph.nodes() {
        let Some(op) = node.op.downcast::<nasmyth_graph::ops::Standardize>() else { continue };
        // Numbers come before category codes, so a prefix of the statistics is always the right part.
        let (mean, std) = match op.inverse {
            false => (s.mean.clone(), s.std.clone()),
            true => (vec![s.target_mean], vec![s.target_std]),
        };
        for (name, values) in [("mean", mean), ("std", std)] {
            if let Some(buffer) = params.get_mut(&format!("{}.{name}", node.name)) {
                let len = buffer.len().min(values.len());
                buffer[..len].copy_from_slice(&values[..len]);
            }
        }
    }
    params
}

impl<'a> Trainer<'a> {
    /// A trainer at step 0. On the CPU as many shards run at the same time as `engine` has threads; an engine that takes whole
    /// batches gets one shard.
    pub fn new(
        graph: &VerifiedGraph,
        data: &'a Dataset,
        subset: Subset,
        recipe: &Recipe,
        seed: u64,
        engine: &Engine,
    ) -> Result<Self, TrainError> {
        check_fit(graph, data)?;
        let samples = data.len(subset);
        let mut recipe = recipe.clone().fitted(samples);
        if engine.takes_whole_batches() {
            recipe.shards = 1;
        }
        let own = recipe.batch / recipe.shards;
        let loss = match data.task() {
            Task::Classification { .. } => Loss::CrossEntropy,
            Task::Regression { .. } => {
                Loss::SquaredError { variance: f64::from(data.statistics().target_std).powi(2) }
            }
        };
        let program = engine.compile(graph, own, Mode::Train(loss))?;
        check_memory(graph, &program, recipe.shards)?;
        let params = initial_params(graph, data.statistics(), seed);
        let optimizer = Optimizer::new(recipe.optimizer, params.layout());
        let shard = |_| Shard {
            batches: Batches::new(data, subset, own, &recipe.augment, seed),
            memory: program.memory(),
            grads: vec![0.0; params.layout().trained().len()],
            loss: 0.0,
        };
        let shards = (0..recipe.shards).map(shard).collect();
        let average = params.clone();
        Ok(Self {
            recipe,
            samples,
            program,
            average,
            params,
            optimizer,
            shards,
            seed,
            step: 0,
            threads: engine.threads(),
            step_seconds: 0.0,
        })
    }

    /// Steps that so many epochs take; at least one.
    pub fn steps_in(&self, epochs: f64) -> u64 {
        ((epochs * self.samples as f64 / self.recipe.batch as f64).round() as u64).max(1)
    }

    /// Epochs that so many steps are.
    pub fn epochs_in(&self, steps: u64) -> f64 {
        steps as f64 * self.recipe.batch as f64 / self.samples as f64
    }

    /// One cycle of the learning rate over `steps` steps. `observe` is called after each.
    pub fn run(
        &mut self,
        steps: u64,
        stop: &StopFlag,
        observe: &mut dyn FnMut(Progress),
    ) -> Result<(), TrainError> {
        self.run_part(0..steps, steps, stop, observe)
    }

    /// The steps `part` of a cycle over `steps` steps: a cycle run part by part is the same as in one go.
    pub fn run_part(
        &mut self,
        part: Range<u64>,
        steps: u64,
        stop: &StopFlag,
        observe: &mut dyn FnMut(Progress),
    ) -> Result<(), TrainError> {
        /// Weight of the newest loss in the reported mean.
        const NEWEST: f64 = 0.05;
        let mut mean = f64::NAN;
        for step in part {
            if stop.stopped() {
                return Err(TrainError::Interrupted);
            }
            let rate = self.recipe.learning_rate * cosine(step, steps, self.recipe.warmup);
            let loss = self.one_step(rate);
            if !loss.is_finite() {
                return Err(TrainError::Diverged { step, steps, loss });
            }
            mean = if mean.is_nan() { f64::from(loss) } else { mean + NEWEST * (f64::from(loss) - mean) };
            observe(Progress { step: step + 1, steps, loss: mean });
        }
        Ok(())
    }

    /// Steps done since the beginning.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Seconds of a step, measured over a few steps whose effect is undone.
    pub fn measure_step(&mut self, at_least: Duration) -> f64 {
        let before = self.checkpoint();
        let buffers = self.params.values().to_vec();
        let start = Instant::now();
        let mut times = Vec::new();
        while times.len() < 5 || start.elapsed() < at_least {
            let step = Instant::now();
            self.one_step(0.0);
            times.push(step.elapsed().as_secs_f64());
        }
        self.restore(before);
        self.params.values_mut().copy_from_slice(&buffers);
        times.sort_by(f64::total_cmp);
        times[times.len() * 3 / 4] // above the median: other programs take their share now and then
    }

    fn one_step(&mut self, rate: f64) -> f32 {
        let start = Instant::now();
        self.run_shards();
        let trained = self.params.layout().trained();
        let loss = self.reduce();
        if loss.is_finite() {
            self.clip();
            let grads = &self.shards[0].grads;
            self.optimizer.step(
                &mut self.params.values_mut()[trained],
                grads,
                rate,
                self.recipe.weight_decay,
            );
            self.program.update_buffers(&mut self.params, self.shards.iter().map(|s| &s.memory));
            self.update_average();
        }
        self.step += 1;
        self.step_seconds += 0.1 * (start.elapsed().as_secs_f64() - self.step_seconds);
        loss
    }

    fn run_shards(&mut self) {
        let (program, params, seed, step) = (&self.program, &self.params, self.seed, self.step);
        let batch = self.recipe.batch as u64;
        let run = |(i, shard): (usize, &mut Shard)| {
            shard.batches.seek(step * batch + i as u64 * program.batch() as u64);
            let (x, y) = program.sample(&mut shard.memory);
            shard.batches.next(x, y);
            let seed = seed ^ (step << 8 | i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15); // golden ratio: spreads bits
            shard.loss = program.train(params, &mut shard.grads, &mut shard.memory, seed);
        };
        if self.threads > 1 && self.shards.len() > 1 && self.step_seconds > WORTH_THREADS {
            let per_thread = self.shards.len().div_ceil(self.threads);
            std::thread::scope(|scope| {
                let mut parts = self.shards.chunks_mut(per_thread).enumerate();
                let own = parts.next();
                for (part, shards) in parts {
                    scope.spawn(move || {
                        shards.iter_mut().enumerate().for_each(|(i, s)| run((part * per_thread + i, s)));
                    });
                }
                let (_, shards) = own.unwrap_or_default();
                shards.iter_mut().enumerate().for_each(run);
            });
        } else {
            self.shards.iter_mut().enumerate().for_each(run);
        }
    }

    /// Means of losses and gradients, into the first shard's gradients, always in the same order.
    fn reduce(&mut self) -> f32 {
        let share = 1.0 / self.shards.len() as f32;
        let (first, rest) = self.shards.split_at_mut(1);
        let sum = &mut first[0].grads;
        for shard in &*rest {
            sum.iter_mut().zip(&shard.grads).for_each(|(s, g)| *s += g);
        }
        sum.iter_mut().for_each(|g| *g *= share);
        share * self.shards.iter().map(|s| s.loss).sum::<f32>()
    }

    fn clip(&mut self) {
        let grads = &mut self.shards[0].grads;
        let norm = grads.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
        if self.recipe.clip > 0.0 && norm > self.recipe.clip {
            let factor = (self.recipe.clip / norm) as f32;
            grads.iter_mut().for_each(|g| *g *= factor);
        }
    }

    /// The average forgets faster at the beginning, when the weights change most.
    fn update_average(&mut self) {
        let step = self.step as f64;
        let decay = self.recipe.ema.min((1.0 + step) / (10.0 + step)) as f32;
        let pairs = self.average.values_mut().iter_mut().zip(self.params.values());
        nasmyth_engine::vectorized(|| pairs.for_each(|(a, &p)| *a = p + decay * (*a - p)));
    }

    /// The network to use: the moving average if the recipe has one.
    pub fn network(&self) -> &ParamStore<f32> {
        if self.recipe.ema > 0.0 { &self.average } else { &self.params }
    }

    /// Everything that training goes on from.
    pub fn checkpoint(&self) -> Checkpoint {
        let (first, second, optimizer_steps) = self.optimizer.state();
        Checkpoint {
            params: self.params.values().to_vec(),
            average: self.average.values().to_vec(),
            first: first.to_vec(),
            second: second.to_vec(),
            optimizer_steps,
            step: self.step,
        }
    }

    /// Goes back to a checkpoint of the same network; `false`, and nothing changes, if it does not fit.
    pub fn restore(&mut self, c: Checkpoint) -> bool {
        let len = self.params.values().len();
        if c.params.len() != len
            || c.average.len() != len
            || !self.optimizer.restore(c.first, c.second, c.optimizer_steps)
        {
            return false;
        }
        self.params.values_mut().copy_from_slice(&c.params);
        self.average.values_mut().copy_from_slice(&c.average);
        self.step = c.step;
        true
    }
}

/// Parameters, their average, two memories of the optimiser, and for each shard gradients and the memory of the program.
fn check_memory(graph: &VerifiedGraph, program: &Program, shards: usize) -> Result<(), TrainError> {
    let params = ParamLayout::of(graph).len().saturating_mul(size_of::<f32>()) as u64;
    let shards = shards as u64;
    let arenas = (program.memory_bytes() as u64).saturating_mul(shards);
    let needed = arenas.saturating_add(params.saturating_mul(4 + shards));
    let share = memory_share();
    if needed > share { Err(TrainError::Memory { needed, share }) } else { Ok(()) }
}

fn check_fit(graph: &VerifiedGraph, data: &Dataset) -> Result<(), TrainError> {
    let network = graph.fact(graph.input_id()).shape().to_vec();
    let outputs = graph.outputs().first().map_or(0, |o| graph.fact(*o).len());
    let (shape, needed) = (data.features().shape(), data.task().outputs());
    if network != shape || outputs != needed {
        return Err(TrainError::Mismatch { network, outputs, data: shape, needed });
    }
    Ok(())
}
