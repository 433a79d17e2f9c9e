//! Measures what an option does.

use super::parts::{CLASSIFIER, Part, Sees, probe};
use crate::one_shot::{OneShotError, Runner, Task};
use nasmyth_data::{Augment, Subset, Task as DataTask};
use nasmyth_engine::{Crew, Engine, ParamStore, Program};
use nasmyth_graph::{Role, VerifiedGraph};
use nasmyth_train::{Feed, Optimizer, Recipe, cosine, initial_params, training_program};
use std::collections::BTreeMap;
use std::fmt;

/// Steps of a short training; the last third of them is what it came to.
const STEPS: u64 = 60;

/// Batches that signal and gradient are measured on.
const BATCHES: u64 = 4;

/// Less of the variance than this is noise.
const LEAST_SIGNAL: f64 = 0.1;

/// A smaller share of the gradient than this is none.
const LEAST_GRADIENT: f64 = 1e-6;

/// Who learns less than this share of what is learned without the option, destroys what it reads.
const LEAST_LEARNED: f64 = 0.1;

/// The loss must fall by at least this share without the option for the comparison to say anything.
const LEAST_TO_LEARN: f64 = 0.02;

/// What an option does to a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Share of the variance of outputs over samples that does not change with the noise of training; 0 if there is no variance.
    pub signal: f64,
    /// Norm of the gradient of the weights before it, as a share of that of the classifier behind it; `None` without weights there.
    pub gradient: Option<f64>,
    /// What a short training with it learns, as a share of what one without it does; `None` if it was not trained, or nothing is learned
    /// without it.
    pub learned: Option<f64>,
}

impl Measured {
    pub(crate) const SOUND: Self = Self { signal: 1.0, gradient: None, learned: None };

    /// Whether it fails one of the three.
    pub fn is_useless(&self) -> bool {
        self.worth() < 1.0
    }

    /// The smallest of the figures in units of what is asked for.
    pub(crate) fn worth(&self) -> f64 {
        let gradient = self.gradient.map_or(f64::INFINITY, |g| g / LEAST_GRADIENT);
        let learned = self.learned.map_or(f64::INFINITY, |l| l / LEAST_LEARNED);
        (self.signal / LEAST_SIGNAL).min(gradient).min(learned)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} % of the variance behind it is signal", 100.0 * self.signal)?;
        if let Some(gradient) = self.gradient {
            write!(f, ", {:.1e} of the gradient gets through", gradient)?;
        }
        if let Some(learned) = self.learned {
            write!(f, ", {:.0} % of what is learned without it is learned with it", 100.0 * learned)?;
        }
        Ok(())
    }
}

/// Where options are measured.
pub(crate) struct Lab<'a> {
    task: Task<'a>,
    recipe: Recipe,
    engine: Engine,
    /// Losses of short trainings by canonical hash: many options stand behind one value.
    trained: BTreeMap<u128, f64>,
}

impl<'a> Lab<'a> {
    pub fn new(task: Task<'a>, engine: &Engine) -> Self {
        // One thread, and so one part.
        let recipe = Recipe { parts: 1, ..task.recipe.clone().fitted(task.data.len(Subset::Train)) };
        Self { task, recipe, engine: engine.single_threaded(), trained: BTreeMap::new() }
    }

    /// Measures a part of a network; `train`: also by short trainings.
    pub fn measure(
        &mut self,
        graph: &VerifiedGraph,
        part: &Part,
        train: bool,
    ) -> Result<Measured, OneShotError> {
        let behind = self.probe(graph, Sees::Value(part.exit))?;
        let (signal, gradient) = self.passes(&behind, graph, part)?;
        let mut learned = None;
        if train {
            let nothing = self.loss(&self.probe(graph, Sees::Nothing(part.entry))?)?;
            let without = nothing - self.loss(&self.probe(graph, Sees::Value(part.entry))?)?;
            if without > LEAST_TO_LEARN * nothing {
                learned = Some((nothing - self.loss(&behind)?) / without);
            }
        }
        Ok(Measured { signal, gradient, learned })
    }

    fn probe(&self, graph: &VerifiedGraph, sees: Sees) -> Result<VerifiedGraph, OneShotError> {
        let task = self.task.data.task();
        let regression = matches!(task, DataTask::Regression { .. });
        Ok(probe(graph, sees, task.outputs(), regression)?)
    }

    fn feed(&self, program: &Program) -> Feed<'a> {
        Feed::new(self.task.data, Subset::Train, program.parts(), &Augment::default(), self.task.seed)
    }

    /// Signal and gradient at the first weights.
    fn passes(
        &self,
        probe: &VerifiedGraph,
        graph: &VerifiedGraph,
        part: &Part,
    ) -> Result<(f64, Option<f64>), OneShotError> {
        let program = training_program(probe, self.task.data, &self.recipe, &self.engine)?;
        let params = initial_params(probe, self.task.data.statistics(), self.task.seed);
        let mut feed = self.feed(&program);
        let mut runners = [0, 1].map(|draw| Runner::new(Crew::alone(), self.task.seed ^ draw));
        let width = self.task.data.task().outputs();
        let (mut shared, mut total) = (0.0, 0.0);
        let mut norms = [0.0; 2];
        for batch in 0..BATCHES {
            let mut outputs = [Vec::new(), Vec::new()];
            for (runner, output) in runners.iter_mut().zip(&mut outputs) {
                let (_, grads, memory) = runner.pass(&program, &params, &mut feed, batch);
                *output = program.output(memory).to_vec();
                let own = squares(graph, part, &params, &grads);
                norms.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            }
            for column in 0..width {
                let [a, b] = [0, 1].map(|i| centred(&outputs[i], width, column));
                let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
                shared += product(&a, &b);
                total += (product(&a, &a) * product(&b, &b)).sqrt();
            }
        }
        // Below single precision of outputs of the order of 1 there is rounding only.
        let seen =
            total / (BATCHES as usize * self.recipe.batch * width) as f64 > f64::from(f32::EPSILON).powi(2);
        let signal = if seen { (shared / total).max(0.0) } else { 0.0 };
        let [before, behind] = norms.map(f64::sqrt);
        let has_weights = has_weights_before(graph, part);
        Ok((signal, has_weights.then(|| if behind > 0.0 { before / behind } else { 0.0 })))
    }

    /// The mean loss of the last third of a short training.
    fn loss(&mut self, probe: &VerifiedGraph) -> Result<f64, OneShotError> {
        let hash = probe.canonical_hash();
        if let Some(loss) = self.trained.get(&hash) {
            return Ok(*loss);
        }
        let program = training_program(probe, self.task.data, &self.recipe, &self.engine)?;
        let mut params = initial_params(probe, self.task.data.statistics(), self.task.seed);
        let layout = params.layout().clone();
        let mut optimizer = Optimizer::new(self.recipe.optimizer, &layout);
        let mut feed = self.feed(&program);
        let mut runner = Runner::new(Crew::alone(), self.task.seed);
        let mut sum = 0.0;
        for step in 0..STEPS {
            let (loss, mut grads, _) = runner.pass(&program, &params, &mut feed, step);
            if step >= STEPS - STEPS / 3 {
                sum += f64::from(loss);
            }
            let norm = grads.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
            if self.recipe.clip > 0.0 && norm > self.recipe.clip {
                let factor = (self.recipe.clip / norm) as f32;
                grads.iter_mut().for_each(|g| *g *= factor);
            }
            let rate = self.recipe.learning_rate * cosine(step, STEPS, self.recipe.warmup);
            optimizer.step(
                &mut params.values_mut()[layout.trained()],
                &grads,
                rate,
                self.recipe.weight_decay,
            );
        }
        let loss = sum / (STEPS / 3) as f64;
        self.trained.insert(hash, loss);
        Ok(loss)
    }
}

/// The column of a `[samples, width]` matrix, less its mean.
fn centred(rows: &[f32], width: usize, column: usize) -> Vec<f64> {
    let values: Vec<f64> = rows.chunks_exact(width).map(|row| f64::from(row[column])).collect();
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.into_iter().map(|value| value - mean).collect()
}

/// Names of the nodes that a part's entry is made of.
fn before(graph: &VerifiedGraph, part: &Part) -> impl Fn(&str) -> bool {
    let mut needed = vec![false; part.entry.0 + 1];
    needed[part.entry.0] = true;
    for i in (0..=part.entry.0).rev() {
        if needed[i] {
            graph.nodes()[i].inputs.iter().for_each(|input| needed[input.0] = true);
        }
    }
    let names: Vec<String> =
        (0..needed.len()).filter(|i| needed[*i]).map(|i| graph.nodes()[i].name.clone()).collect();
    move |key: &str| key.rsplit_once('.').is_some_and(|(node, _)| names.iter().any(|name| name == node))
}

fn has_weights_before(graph: &VerifiedGraph, part: &Part) -> bool {
    let layout = nasmyth_engine::ParamLayout::of(graph);
    let before = before(graph, part);
    layout.entries().iter().any(|entry| entry.role == Role::Weight && before(&entry.key))
}

/// Sums of squares of the gradients of the weights before a part, and of those of the classifier.
fn squares(graph: &VerifiedGraph, part: &Part, params: &ParamStore<f32>, grads: &[f32]) -> [f64; 2] {
    let before = before(graph, part);
    let mut sums = [0.0; 2];
    for entry in params.layout().entries().iter().filter(|entry| entry.role == Role::Weight) {
        let square = grads[entry.range.clone()].iter().map(|&g| f64::from(g).powi(2)).sum::<f64>();
        if before(&entry.key) {
            sums[0] += square;
        } else if entry.key.starts_with(CLASSIFIER) {
            sums[1] += square;
        }
    }
    sums
}
