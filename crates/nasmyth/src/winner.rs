//! The final training of the found network, and everything that is written about it.

use crate::fleet::Fleet;
use crate::inspect::NETWORK;
use crate::{Certificate, Notice, Observer, RunConfig, RunFolder};
use anyhow::{Result, bail};
use nasmyth_data::{Dataset, Subset, Task};
use nasmyth_device::Costs;
use nasmyth_engine::{Engine, ParamStore};
use nasmyth_estimator::StopFlag;
use nasmyth_export::{to_onnx, to_safetensors, to_svg};
use nasmyth_graph::VerifiedGraph;
use nasmyth_train::{Checkpoint, Evaluation, Recipe, TrainError, Trainer, predict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Pairs of truth and prediction that are kept for the report.
const PAIRS: usize = 2000;

/// Least time for measuring a step of the final training; a hundredth of its time, if that is more.
const MEASURE: Duration = Duration::from_secs(1);

/// How often the final training is saved.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// `metrics.json`.
///
/// ```no_run
/// use nasmyth::Metrics;
///
/// let text = std::fs::read_to_string("runs/mnist1d/best/metrics.json")?;
/// let metrics: Metrics = serde_json::from_str(&text)?;
/// println!("{}: {:?} with {} parameters", metrics.task, metrics.test, metrics.costs["params"]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// `classification` or `regression`.
    pub task: String,
    /// On the validation part, at the search's highest effort: the final training has seen that part.
    pub valid: BTreeMap<String, f64>,
    /// On the test part, which nothing else has seen.
    pub test: BTreeMap<String, f64>,
    /// Of the network.
    pub costs: BTreeMap<String, u64>,
    /// Epochs and steps of the final training.
    pub training: BTreeMap<String, f64>,
    /// Classes in the order of the outputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// `confusion[truth][answer]` on the test part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confusion: Vec<Vec<u64>>,
    /// Truth and prediction of (at most 2000) test samples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residuals: Vec<(f32, f32)>,
}

/// How long the final training may take.
///
/// ```
/// use nasmyth::Length;
/// use std::time::{Duration, Instant};
///
/// let ten_epochs = Length::Epochs(10.0);
/// let a_minute = Length::Until(Instant::now() + Duration::from_secs(60), f64::from(u32::MAX));
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Length {
    /// So many epochs.
    Epochs(f64),
    /// The first so many epochs (the second number) of a training over so many (the first): where its time was over.
    Cut(f64, f64),
    /// Until then at the latest, and at most so many epochs.
    Until(Instant, f64),
}

/// A part of a cycle of training.
struct Part {
    /// Of the cycle.
    steps: u64,
    /// Where to stop.
    end: u64,
    /// When to stop regardless.
    deadline: Option<Instant>,
}

/// A network to train to the end.
///
/// ```
/// use nasmyth::{Length, Request, RunFolder, Silent, Winner, context, engine::Engine, estimator::StopFlag, space};
///
/// let request = Request::default().set("data.path", Some("builtin:mnist1d"));
/// let data = request.data()?.open(0)?;
/// let config = request.resolve(&data)?;
/// let space = space::preset("auto", &context(&data))?;
/// let graph = space.lower(&space.default_genotype())?.verify()?;
/// let folder = RunFolder::new(&std::env::temp_dir().join("nasmyth-winner"));
/// let (recipe, engine) = (&config.recipe, &Engine::cpu(1));
/// let winner = Winner { graph: &graph, data: &data, recipe, seed: 0, engine, folder: &folder, place: "best" };
/// let trained = winner.train(Length::Epochs(0.1), &StopFlag::new(), &mut Silent)?;
/// assert!(trained.params.values().iter().all(|value| value.is_finite()));
/// # Ok::<(), anyhow::Error>(())
/// ```
pub struct Winner<'a> {
    /// The network.
    pub graph: &'a VerifiedGraph,
    /// What to learn from: train and validation part together.
    pub data: &'a Dataset,
    /// How.
    pub recipe: &'a Recipe,
    /// Randomness.
    pub seed: u64,
    /// Where to train; its number of threads has no influence on the result.
    pub engine: &'a Engine,
    /// Where it goes.
    pub folder: &'a RunFolder,
    /// The network's folder in there.
    pub place: &'a str,
}

/// A trained network.
///
/// ```no_run
/// # use nasmyth::{Length, Silent, Winner, estimator::StopFlag};
/// # fn example(winner: Winner<'_>) -> anyhow::Result<()> {
/// let trained = winner.train(Length::Epochs(10.0), &StopFlag::new(), &mut Silent)?;
/// println!("{} steps", trained.steps);
/// # Ok(())
/// # }
/// ```
pub struct Trained {
    /// Its parameters.
    pub params: ParamStore<f32>,
    /// Epochs that it was trained for.
    pub epochs: f64,
    /// The same in steps.
    pub steps: u64,
    /// Epochs that were planned: more if time was over first.
    pub planned: f64,
    /// With which it converged.
    pub learning_rate: f64,
}

impl Winner<'_> {
    /// Trains. Interrupted, it goes on from where it was when called again with the same number of epochs.
    ///
    /// # Errors
    /// Divergence at every learning rate tried; the stop flag (as [`TrainError::Interrupted`]).
    pub fn train(
        &self,
        length: Length,
        stop: &StopFlag,
        observer: &mut dyn Observer,
    ) -> Result<Trained, TrainError> {
        /// A diverged training is tried again with a fifth of the learning rate, this often.
        const RETRIES: usize = 2;
        let mut recipe = self.recipe.clone();
        for _ in 0..RETRIES {
            match self.train_with(&recipe, length, stop, observer) {
                Err(TrainError::Diverged { step, .. }) => {
                    recipe.learning_rate /= 5.0;
                    let rate = recipe.learning_rate;
                    let text = format!(
                        "final training diverged at step {step}; again with learning rate {rate:.1e}"
                    );
                    observer.notice(&Notice::Remark { text });
                }
                other => return other,
            }
        }
        self.train_with(&recipe, length, stop, observer)
    }

    fn train_with(
        &self,
        recipe: &Recipe,
        length: Length,
        stop: &StopFlag,
        observer: &mut dyn Observer,
    ) -> Result<Trained, TrainError> {
        let mut trainer = Trainer::new(self.graph, self.data, Subset::Fit, recipe, self.seed, self.engine)?;
        let begun = format!("{:032x}-{:e}-", self.graph.canonical_hash(), recipe.learning_rate);
        let Part { steps, end, deadline } = self.part(&mut trainer, length, &begun);
        let limited = stop.child(deadline);
        let path = self.folder.final_checkpoint(&format!("{begun}{steps}"));
        if let Ok(checkpoint) = Checkpoint::load(&path) {
            trainer.restore(checkpoint);
        }
        let mut saved = Instant::now();
        while trainer.step() < end {
            // The first step is made also when time is over: a length of no step could not be written down.
            let (most, limited) = if trainer.step() == 0 { (1, stop) } else { (50, &limited) };
            let part = trainer.step()..(trainer.step() + most).min(end);
            let mut tell = |p: nasmyth_train::Progress| {
                if p.step.is_multiple_of(10) || p.step == p.steps {
                    observer.notice(&Notice::Training { step: p.step, steps: p.steps, loss: p.loss });
                }
            };
            match trainer.run_part(part, steps, limited, &mut tell) {
                Err(TrainError::Interrupted) if !stop.stopped() => break, // out of time: what there is counts
                Err(e) => {
                    let _ = trainer.checkpoint().save(&path);
                    return Err(e);
                }
                Ok(()) => {}
            }
            if saved.elapsed() > SAVE_EVERY {
                let _ = trainer.checkpoint().save(&path); // only speeds up a resume
                saved = Instant::now();
            }
        }
        let _ = trainer.checkpoint().save(&path); // stays until the run is over: publishing may be interrupted, too
        let done = trainer.step();
        Ok(Trained {
            params: trainer.network().clone(),
            epochs: trainer.epochs_in(done),
            steps: done,
            planned: trainer.epochs_in(steps),
            learning_rate: recipe.learning_rate,
        })
    }

    /// What to train. A training by time that was interrupted keeps the length it had.
    fn part(&self, trainer: &mut Trainer, length: Length, begun: &str) -> Part {
        match length {
            Length::Epochs(epochs) => {
                let steps = trainer.steps_in(epochs);
                Part { steps, end: steps, deadline: None }
            }
            Length::Cut(epochs, stop) => {
                let steps = trainer.steps_in(epochs);
                Part { steps, end: trainer.steps_in(stop).min(steps), deadline: None }
            }
            Length::Until(deadline, most) => {
                if let Some(steps) = self.folder.final_steps(begun) {
                    return Part { steps, end: steps, deadline: Some(deadline) };
                }
                let left = deadline.saturating_duration_since(Instant::now());
                let step = trainer.measure_step((left / 100).max(MEASURE));
                // Judging costs about a third of training, per sample; a few percent are kept for a machine that slows down.
                let samples = self.data.len(Subset::Test) as f64;
                let sample = step / (trainer.epochs_in(1) * self.data.len(Subset::Fit) as f64);
                let left =
                    deadline.saturating_duration_since(Instant::now()).as_secs_f64() - samples * sample / 2.0;
                let steps = (0.96 * left / step).max(1.0) as u64;
                let steps = steps.min(trainer.steps_in(most));
                Part { steps, end: steps, deadline: Some(deadline) }
            }
        }
    }

    /// Judges the network on the test part, certifies it and writes all of its folder. The certificate may say that a limit on a device
    /// is broken: then it has to be taken back.
    ///
    /// # Errors
    /// Files that cannot be written; a certificate that does not hold.
    pub(crate) fn publish(
        &self,
        trained: &Trained,
        config: &RunConfig,
        fleet: &Fleet,
        valid: BTreeMap<String, f64>,
    ) -> Result<(Metrics, Certificate)> {
        let (graph, data, params) = (self.graph, self.data, &trained.params);
        let count = data.len(Subset::Test);
        // What ships is judged with the arithmetic of the CPU, whatever rounding it was trained with.
        let cpu = Engine::cpu(self.engine.threads());
        let outputs = predict(graph, params, count, &cpu, |i, x| data.read(Subset::Test, i, x))?;
        let labels: Vec<f32> = (0..count).map(|i| data.label(Subset::Test, i)).collect();
        let meta = self.metadata(config)?;
        let onnx = to_onnx(graph, params, &meta)?;
        let certificate = Certificate::issue((graph, params), config, fleet, &onnx, data, &outputs)?;
        let metrics = self.metrics(
            trained,
            &Evaluation::new(data.task(), &outputs, &labels),
            valid,
            &certificate.costs,
        );
        if let Some(broken) = certificate.broken().filter(|verdict| verdict.on_device.is_none()) {
            bail!(
                "the found network breaks {} with {}: this is a bug, please report it",
                broken.limit,
                broken.value
            );
        }
        let write =
            |name: &str, bytes: &[u8]| RunFolder::write(&self.folder.network(self.place, name), bytes);
        write("architecture.txt", graph.to_text().as_bytes())?;
        write("architecture.svg", to_svg(graph).as_bytes())?;
        write("weights.safetensors", &to_safetensors(graph, params, &meta)?)?;
        write("model.onnx", &onnx)?;
        write("certificate.json", &serde_json::to_vec_pretty(&certificate)?)?;
        write("metrics.json", &serde_json::to_vec_pretty(&metrics)?)?;
        Ok((metrics, certificate))
    }

    fn metrics(
        &self,
        trained: &Trained,
        test: &Evaluation,
        valid: BTreeMap<String, f64>,
        costs: &Costs,
    ) -> Metrics {
        let (task, classes) = match self.data.task() {
            Task::Classification { classes } => ("classification", classes.clone()),
            Task::Regression { .. } => ("regression", Vec::new()),
        };
        let (confusion, residuals) = match test {
            Evaluation::Classified(c) => (c.confusion.clone(), Vec::new()),
            Evaluation::Regressed(r) => (Vec::new(), thinned(&r.pairs)),
        };
        let training = [("epochs", trained.epochs), ("steps", trained.steps as f64)];
        Metrics {
            task: task.to_owned(),
            valid,
            test: test.figures(),
            costs: costs.0.clone(),
            training: training.map(|(n, v)| (n.to_owned(), v)).into(),
            classes,
            confusion,
            residuals,
        }
    }

    /// What an exported file says of itself: enough to decode data for it.
    fn metadata(&self, config: &RunConfig) -> Result<Vec<(String, String)>> {
        let pair = |key: &str, value: String| (format!("nasmyth.{key}"), value);
        Ok(vec![
            pair("architecture", format!("{:032x}", self.graph.canonical_hash())),
            (NETWORK.to_owned(), self.graph.to_text()),
            pair("limits", config.limits.to_string()),
            pair("schema", serde_json::to_string(self.data.schema())?),
        ])
    }
}

/// Evenly spaced pairs, at most [`PAIRS`].
fn thinned(pairs: &[(f32, f32)]) -> Vec<(f32, f32)> {
    let every = pairs.len().div_ceil(PAIRS).max(1);
    pairs.iter().step_by(every).copied().collect()
}
