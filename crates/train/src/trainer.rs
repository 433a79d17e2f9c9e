//! The training loop.

use crate::{Checkpoint, Feed, Optimizer, Recipe, cosine, memory_share};
use nasmyth_data::{Dataset, Statistics, Subset, Task};
use nasmyth_engine::{
    Crew, Engine, EngineError, Loss, Memory, Mode, Options, ParamLayout, ParamStore, Program, clip,
};
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

/// Trains one network. What it computes is a function of network, data, recipe, seed and the lengths of the segments.
pub struct Trainer<'a> {
    recipe: Recipe,
    samples: usize,
    program: Program,
    params: ParamStore<f32>,
    average: ParamStore<f32>,
    optimizer: Optimizer,
    memory: Memory,
    grads: Vec<f32>,
    feed: Feed<'a>,
    crew: Crew,
    seed: u64,
    step: u64,
}

/// Parameters of `graph` as training starts: initialised from `seed`, with the statistics `s` of the training data in the input's
/// and the output's standardisation.
pub fn initial_params(graph: &VerifiedGraph, s: &Statistics, seed: u64) -> ParamStore<f32> {
    let mut params = ParamStore::new(graph, seed);
    set_statistics(&mut params, graph, s);
    params
}

/// Puts the statistics `s` of the training data into the input's and the output's standardisation.
pub fn set_statistics(params: &mut ParamStore<f32>, graph: &VerifiedGraph, s: &Statistics) {
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
}

/// The program of one step of training `graph` on `data`.
///
/// # Errors
/// A network that does not fit the data or cannot be compiled.
pub fn training_program(
    graph: &VerifiedGraph,
    data: &Dataset,
    recipe: &Recipe,
    engine: &Engine,
) -> Result<Program, TrainError> {
    check_fit(graph, data)?;
    let loss = match data.task() {
        Task::Classification { .. } => Loss::CrossEntropy,
        Task::Regression { .. } => {
            Loss::SquaredError { variance: f64::from(data.statistics().target_std).powi(2) }
        }
    };
    let options = Options { parts: recipe.parts, ..Options::new(recipe.batch, Mode::Train(loss)) };
    Ok(engine.compile(graph, options)?)
}

impl<'a> Trainer<'a> {
    /// A trainer at step 0. No more of the threads of `engine` compute a step together than the recipe has parts.
    pub fn new(
        graph: &VerifiedGraph,
        data: &'a Dataset,
        subset: Subset,
        recipe: &Recipe,
        seed: u64,
        engine: &Engine,
    ) -> Result<Self, TrainError> {
        let samples = data.len(subset);
        let recipe = recipe.clone().fitted(samples);
        let program = training_program(graph, data, &recipe, engine)?;
        check_memory(graph, &program)?;
        let params = initial_params(graph, data.statistics(), seed);
        let optimizer = Optimizer::new(recipe.optimizer, params.layout());
        let average = params.clone();
        Ok(Self {
            samples,
            memory: program.memory(),
            grads: vec![0.0; params.layout().trained().len()],
            feed: Feed::new(data, subset, program.parts(), &recipe.augment, seed),
            crew: Crew::new(engine.threads().min(program.parts().len())),
            recipe,
            program,
            average,
            params,
            optimizer,
            seed,
            step: 0,
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

    /// Mean seconds of a step, measured over a few steps whose effect is undone.
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
        let warm = &times[2..]; // the first ones meet cold memory
        warm.iter().sum::<f64>() / warm.len() as f64
    }

    fn one_step(&mut self, rate: f64) -> f32 {
        self.feed.read(self.step, &self.program, &mut self.memory, &mut self.crew);
        // Golden ratio: spreads bits.
        let seed = self.seed ^ self.step.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (params, grads) = (&mut self.params, &mut self.grads);
        let loss = self.program.train_with(&mut self.crew, params, grads, &mut self.memory, seed);
        if loss.is_finite() {
            let trained = params.layout().trained();
            clip(grads, self.recipe.clip);
            let decay = self.recipe.weight_decay;
            let params_of = &mut params.values_mut()[trained];
            self.optimizer.step_with(&mut self.crew, params_of, grads, rate, decay);
            self.program.update_buffers(params, &self.memory);
            self.update_average();
        }
        self.step += 1;
        loss
    }

    /// The average forgets faster at the beginning, when the weights change most.
    fn update_average(&mut self) {
        let step = self.step as f64;
        let decay = self.recipe.ema.min((1.0 + step) / (10.0 + step)) as f32;
        let params = self.params.values();
        self.crew.share([self.average.values_mut()], |own, [average]| {
            nasmyth_engine::vectorized(
                #[inline(always)]
                || average.iter_mut().zip(&params[own]).for_each(|(a, &p)| *a = p + decay * (*a - p)),
            );
        });
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

/// Parameters, their average, their gradients, two memories of the optimiser, and the memory of the program.
fn check_memory(graph: &VerifiedGraph, program: &Program) -> Result<(), TrainError> {
    let params = ParamLayout::of(graph).len().saturating_mul(size_of::<f32>()) as u64;
    let needed = (program.memory_bytes() as u64).saturating_add(params.saturating_mul(5));
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
