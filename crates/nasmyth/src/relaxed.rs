//! A differentiable search in a run: its configuration, its course, its outcome.

use crate::most_probable::{MostProbable, Ranked};
use crate::{Notice, Observer, RunFolder};
use anyhow::{Context, Result, bail};
use nasmyth_data::{Dataset, Subset};
use nasmyth_device::{Limits, Meter};
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use nasmyth_graph::VerifiedGraph;
use nasmyth_report::RelaxedChoice;
use nasmyth_supernet::relaxed::{
    Budget, Choice, Decision, Discretisation, Epoch, Found, MergedSpace, Method, RelaxedSpace, Running,
    Search, SearchError, method_named, published,
};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Share of the time for searching that the super-network is trained for; the rest is for networks on their own.
const SHARE: f64 = 0.5;

/// Share of that in which options are judged by leaving them out, at most.
const JUDGING: f64 = 1.0 / 3.0;

/// A checkpoint is written after so many times the time that the last one took.
const SELDOM: u32 = 20;

/// A differentiable search before the first trial.
///
/// ```
/// use nasmyth::Request;
///
/// let request = Request::parse(
///     r#"
///     strategy = "sgas"
///     data = { path = "builtin:mnist1d" }
///     relaxed = { settings = { warmup = 0.1 }, budget = { epochs = 30 } }
///     "#,
/// )?;
/// let config = request.resolve(&request.data()?.open(0)?)?;
/// let relaxed = config.relaxed.unwrap_or_else(|| unreachable!());
/// assert_eq!((relaxed.method.as_str(), relaxed.budget.epochs), ("sgas", 30));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaxedConfig {
    /// The published method whose choices are made, unless the settings say otherwise (`nasmyth list methods`).
    pub method: String,
    /// Other choices.
    #[serde(default)]
    pub settings: toml::Table,
    /// How long and how fast the super-network learns.
    pub budget: Budget,
}

/// What the request says of the time that a differentiable search takes.
#[derive(Clone, Copy)]
pub(crate) struct Given {
    pub samples: bool,
    pub judged: bool,
}

/// What a differentiable search of a run is for.
#[derive(Clone, Copy)]
pub(crate) struct RelaxedTask<'a> {
    pub space: &'a MergedSpace<'static>,
    pub data: &'a Dataset,
    pub engine: &'a Engine,
    pub limits: &'a Limits,
    pub meter: &'a Meter,
    pub seed: u64,
}

impl<'a> RelaxedTask<'a> {
    /// The space, of which networks that break limits are not found.
    fn limited(self) -> MergedSpace<'a> {
        let keeps = move |graph: &VerifiedGraph| self.limits.check(graph, self.meter).is_empty();
        self.space.clone().only(keeps)
    }
}

impl RelaxedConfig {
    /// The published method of this name, if there is one.
    pub(crate) fn of(name: &str) -> Option<Self> {
        published(name).ok()?;
        Some(Self { method: name.to_owned(), settings: toml::Table::new(), budget: Budget::default() })
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.choices()?;
        let Budget { epochs, samples, batch, rate, judged, memory, .. } = self.budget;
        let counts = [
            ("epochs", epochs),
            ("samples", samples.unwrap_or(1)),
            ("batch", batch),
            ("judged", judged),
            ("memory", memory.map_or(1, |mib| mib as usize)),
        ];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            bail!("relaxed.budget.{name}: expected at least 1, got 0");
        }
        if !(rate.is_finite() && rate > 0.0) {
            bail!("relaxed.budget.rate: expected a number above 0, got {rate}");
        }
        Ok(())
    }

    fn choices(&self) -> Result<Method> {
        method_named(&self.method, &self.settings).context("relaxed")
    }

    /// Sets the samples of an epoch, and the batches that networks are judged by, unless they are `given`, to what a share of the time for searching allows, measured; the time that is left
    /// for the trials. Without a time it is only seen to it that the search can begin.
    pub(crate) fn plan(
        &mut self,
        task: RelaxedTask<'_>,
        search: Option<Duration>,
        given: Given,
    ) -> Result<Option<Duration>> {
        let (method, space) = (self.choices()?, task.limited());
        let running = self.search(task, &method, &space).begin()?;
        let Some(search) = search else { return Ok(None) };
        let step = running.measure_step(Duration::from_secs(1))?;
        let (train, valid) = (task.data.len(Subset::Train), task.data.len(Subset::Valid));
        let batch = self.budget.batch.min(train).min(valid).max(1);
        self.budget.judged = self.budget.judged.min((valid / batch).max(1));
        let options: usize = space.choices().iter().map(|c| c.options.len()).sum();
        // Steps of the weights alone, and batches that options are judged by, take half of a whole step.
        let (tuned, judged) = match method.discretisation {
            Discretisation::Perturbation { tune, .. } => {
                (space.choices().len() as f64 * tune / 2.0, options as f64 / 2.0)
            }
            _ => (0.0, 0.0),
        };
        let steps = SHARE * search.as_secs_f64() / step;
        if !given.judged && judged > 0.0 {
            let most = (JUDGING * steps / judged).max(1.0) as usize;
            self.budget.judged = self.budget.judged.min(most);
        }
        if !given.samples {
            let left = (steps - judged * self.budget.judged as f64).max(0.0);
            let each = (left / (self.budget.epochs as f64 + tuned)).max(1.0) as usize;
            self.budget.samples = Some(each.saturating_mul(batch).min(train));
        }
        let each = (self.budget.samples.unwrap_or(train) / batch).max(1) as f64;
        let all = each * (self.budget.epochs as f64 + tuned) + judged * self.budget.judged as f64;
        let left = search.saturating_sub(Duration::from_secs_f64(step * all));
        Ok(Some(left.max(search.mul_f64((1.0 - SHARE) / 2.0))))
    }

    fn search<'a>(
        &self,
        task: RelaxedTask<'a>,
        method: &'a Method,
        space: &'a MergedSpace<'a>,
    ) -> Search<'a> {
        let RelaxedTask { data, engine, seed, .. } = task;
        Search { method, space, data, engine, budget: self.budget, seed }
    }
}

/// A choice, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Named {
    pub name: String,
    pub options: Vec<String>,
}

impl From<&Choice> for Named {
    fn from(choice: &Choice) -> Self {
        let options = choice.options.iter().map(|o| o.name.clone()).collect();
        Self { name: choice.name.clone(), options }
    }
}

/// What a differentiable search of a run came to, as its file says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RelaxedOutcome {
    pub method: String,
    /// Choices that were mixed, and those that were drawn.
    pub choices: Vec<Named>,
    pub drawn: Vec<Named>,
    pub epochs: Vec<Epoch>,
    pub decisions: Vec<Decision>,
    /// Accuracies on the validation part of the super-network and of the decided network in it.
    pub accuracy: [f64; 2],
    pub warnings: Vec<String>,
    /// Whether it was ended early because it collapsed.
    pub given_up: bool,
    /// How long it took.
    pub seconds: f64,
    /// Options at each place of the space in their order.
    pub places: Vec<Ranked>,
}

impl RelaxedOutcome {
    fn new(method: &str, space: &MergedSpace<'_>, found: Found, (given_up, seconds): (bool, f64)) -> Self {
        let places = space
            .distribution(&found.drawn_probabilities, &found.probabilities)
            .iter()
            .zip(space.decided(&found.drawn, &found.options))
            .map(|(options, decided)| Ranked::new(options, decided))
            .collect();
        let named =
            |d: &nasmyth_supernet::relaxed::Drawn| Named { name: d.name.clone(), options: d.options.clone() };
        Self {
            method: method.to_owned(),
            choices: space.choices().iter().map(Named::from).collect(),
            drawn: space.drawn().iter().map(named).collect(),
            accuracy: [found.relaxed.accuracy, found.discrete.accuracy],
            warnings: found.trust.warnings(),
            epochs: found.epochs,
            decisions: found.decisions,
            given_up,
            seconds,
            places,
        }
    }

    /// From the folder of a run, if it is there.
    pub fn read(folder: &RunFolder) -> Result<Option<Self>> {
        let path = folder.relaxed();
        if !path.exists() {
            return Ok(None);
        }
        let text = RunFolder::read(&path)?;
        serde_json::from_str(&text).map(Some).with_context(|| format!("{} is damaged", path.display()))
    }

    /// For the report.
    pub fn into_report(self) -> nasmyth_report::Relaxed {
        let (epochs, decisions) = (self.epochs, self.decisions);
        let mixed = self.choices.into_iter().enumerate().map(|(c, Named { name, options })| RelaxedChoice {
            name,
            options,
            probabilities: epochs.iter().map(|e| e.probabilities[c].clone()).collect(),
            decided: decisions.iter().find(|d| d.choice == c).map(|d| (d.option, d.epoch)),
        });
        let drawn = self.drawn.into_iter().enumerate().map(|(d, Named { name, options })| RelaxedChoice {
            name,
            options,
            probabilities: epochs.iter().map(|e| e.drawn[d].clone()).collect(),
            decided: None,
        });
        nasmyth_report::Relaxed {
            method: self.method,
            choices: mixed.chain(drawn).collect(),
            accuracy: self.accuracy,
            warnings: self.warnings,
            given_up: self.given_up,
        }
    }

    pub fn strategy(&self) -> MostProbable {
        MostProbable::new(self.places.clone())
    }
}

/// A differentiable search of a run that is to be done.
pub(crate) struct Relaxing<'a> {
    pub config: &'a RelaxedConfig,
    pub task: RelaxedTask<'a>,
    pub folder: &'a RunFolder,
    /// What the search is a function of beside task and configuration.
    pub context: String,
}

impl Relaxing<'_> {
    /// Searches, from the checkpoint of an earlier process if there is one; nothing if it was interrupted. Also the time that earlier processes
    /// spent.
    pub fn run(
        &self,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<(RelaxedOutcome, Duration)>> {
        if let Some(outcome) = RelaxedOutcome::read(self.folder)? {
            let before = Duration::from_secs_f64(outcome.seconds);
            return Ok(Some((outcome, before)));
        }
        let (method, space) = (self.config.choices()?, self.task.limited());
        let (mixed, drawn) = (space.choices().len(), space.drawn().len());
        let text = format!("relaxed   {} of {} choices mixed, {drawn} drawn", mixed, mixed + drawn);
        observer.notice(&Notice::Remark { text });
        let mut running = self.config.search(self.task, &method, &space).begin()?;
        let path = self.folder.checkpoints().join("relaxed.bank");
        if path.exists() {
            running.restore(&path, &self.context)?;
        }
        let before = Duration::from_secs_f64(running.seconds());
        let (mut saved, mut saving) = (Instant::now(), Duration::ZERO);
        loop {
            match running.go_on(stop) {
                Ok(true) => {}
                Ok(false) => break,
                Err(SearchError::Interrupted) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            if saved.elapsed() >= saving * SELDOM {
                let begun = Instant::now();
                running.save(&path, &self.context)?;
                (saved, saving) = (Instant::now(), begun.elapsed());
            }
            tell(&running, self.config.budget.epochs, mixed, observer);
        }
        let end = (running.given_up(), running.seconds());
        let outcome = RelaxedOutcome::new(&self.config.method, &space, running.found()?, end);
        let [relaxed, discrete] = outcome.accuracy.map(|a| 100.0 * a);
        let text = format!(
            "relaxed   {relaxed:.1} % on the validation part, the decided network in it {discrete:.1} %"
        );
        observer.notice(&Notice::Remark { text });
        for warning in &outcome.warnings {
            observer.notice(&Notice::Remark { text: format!("relaxed   {warning}") });
        }
        RunFolder::write(&self.folder.relaxed(), &serde_json::to_vec(&outcome)?)?;
        Ok(Some((outcome, before)))
    }
}

/// How far the search is.
fn tell(running: &Running, epochs: usize, choices: usize, observer: &mut dyn Observer) {
    let (done, decided) = (running.epochs().len(), running.decisions().len());
    let Some(last) = running.epochs().last() else { return };
    let ended = if running.given_up() { ", given up: it collapses" } else { "" };
    let text = format!(
        "relaxed   epoch {done} of {epochs}, training loss {:.3}, {decided} of {choices} decided{ended}",
        last.train
    );
    observer.notice(&Notice::Remark { text });
}
