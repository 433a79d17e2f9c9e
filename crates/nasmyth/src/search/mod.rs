//! A run from beginning to end: search, final training, report.

mod effort;
mod finding;
mod site;
mod trials;

use crate::finalists::{Finals, Finished};
use crate::fleet::Fleet;
use crate::motifs::write_motifs;
use crate::relaxed::RelaxedOutcome;
use crate::{
    Certificate, FinalLength, Infeasible, Interrupted, Metrics, Notice, Observer, Request, RunConfig,
    RunFolder, format_duration, write_report,
};
use anyhow::{Result, bail};
use effort::{most_final_epochs, networks};
use nasmyth_data::{Dataset, Features, Subset, Task};
use nasmyth_estimator::{External, StopFlag};
use nasmyth_space::Context;
use nasmyth_strategy::scheduler_named;
use nasmyth_study::{Changes, State, StopReason, Study};
use nasmyth_train::TrainError;
use site::{Site, begun, check_operators, vacant};
use std::path::Path;
use std::time::{Duration, Instant};

/// Time kept for exporting, checking and reporting.
const WRAP_UP: Duration = Duration::from_secs(2);

/// A run that has been set up.
///
/// ```no_run
/// use nasmyth::{Lines, Request, Search, estimator::StopFlag};
///
/// let request = Request::default()
///     .set("data.path", Some("digits.npz"))
///     .set("limits", Some("params<=100k, peak-memory<=256KiB"))
///     .set("budget.time", Some("10m"));
/// let search = Search::create("runs/digits".as_ref(), &request)?;
/// search.run(&mut Lines::new(std::io::stderr()), &StopFlag::new())?;
/// # Ok::<(), anyhow::Error>(())
/// ```
pub struct Search {
    site: Site,
    study: Study,
    /// What earlier processes spent on the super-network, if there is one.
    supernet_before: Duration,
    /// What the differentiable search came to, if there is one.
    relaxed: Option<RelaxedOutcome>,
}

/// What came of a run.
///
/// ```no_run
/// use nasmyth::{Search, Silent, estimator::StopFlag};
///
/// let outcome = Search::resume("runs/digits".as_ref(), None)?.run(&mut Silent, &StopFlag::new())?;
/// println!("{:?}: {:?}, {:?}", outcome.reason, outcome.metrics.test, outcome.certificate.costs);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Why the search ended.
    pub reason: StopReason,
    /// Of the found network.
    pub metrics: Metrics,
    /// Of the found network.
    pub certificate: Certificate,
}

/// The shape that a network for this data must have.
///
/// ```
/// use nasmyth::{context, data, space};
///
/// let data = data::open("builtin:mnist1d", &data::OpenOptions::default())?;
/// assert_eq!(context(&data).input, [40, 1]);
/// let space = space::preset("auto", &context(&data))?;
/// assert_eq!(space.name(), "conv1d");
/// # Ok::<(), anyhow::Error>(())
/// ```
pub fn context(data: &Dataset) -> Context {
    let categories = match data.features() {
        Features::Table { categories, .. } => categories.clone(),
        _ => Vec::new(),
    };
    Context {
        input: data.features().shape(),
        categories,
        outputs: data.task().outputs(),
        regression: matches!(data.task(), Task::Regression { .. }),
        samples: data.len(Subset::Train),
    }
}

impl Search {
    /// Opens the data, checks that the limits can be kept, decides on efforts, and begins the run's folder.
    ///
    /// # Errors
    /// Anything wrong with the request or the data; [`Infeasible`].
    pub fn create(folder: &Path, request: &Request) -> Result<Self> {
        let started = Instant::now();
        let folder = RunFolder::new(folder);
        vacant(&folder)?;
        let data = request.data()?.open(request.seed()?)?;
        let mut config = request.resolve(&data)?;
        scheduler_named(&config.scheduler.name)?;
        let found = check_operators(&mut config, &data)?;
        let mut site = Site::open(folder, config, data, started, Fleet::prepare)?;
        site.notes.extend(found);
        let search_time = site.plan_effort(request)?;
        let study_config = site.study_config(search_time);
        site.check_memory()?;
        study_config.check()?;
        if let Some(estimator) = &site.config.estimator {
            External::new(&estimator.command)?.found()?;
        }
        let study = Study::create(site.folder.path(), study_config, site.space.clone())?;
        site.write()?;
        Ok(Self::of(site, study))
    }

    /// Takes up a run that was interrupted or killed. `workers`: another number than before.
    ///
    /// # Errors
    /// No run, one in use, other data than before.
    pub fn resume(folder: &Path, workers: Option<usize>) -> Result<Self> {
        let started = Instant::now();
        let folder = RunFolder::new(folder);
        begun(&folder)?;
        let mut config = RunConfig::read(&folder)?;
        let data = config.data.open(config.seed)?;
        config.workers = workers.unwrap_or(config.workers);
        let site =
            Site::open(folder, config, data, started, |config, _, folder, _| Fleet::take_up(config, folder))?;
        let study = Study::resume(site.folder.path(), site.space.clone(), Changes { workers, budget: None })?;
        Ok(Self::of(site, study))
    }

    fn of(site: Site, study: Study) -> Self {
        let study = study.with_meter(site.fleet.meter().clone());
        Self { site, study, supernet_before: Duration::ZERO, relaxed: None }
    }

    /// The resolved configuration.
    pub fn config(&self) -> &RunConfig {
        &self.site.config
    }

    /// Searches, trains the winner, exports, certifies, reports.
    ///
    /// # Errors
    /// [`Interrupted`] when `stop` is raised; files that cannot be written.
    pub fn run(mut self, observer: &mut dyn Observer, stop: &StopFlag) -> Result<Outcome> {
        self.introduce(observer);
        if let Some(outcome) = self.finished(observer) {
            return Ok(outcome);
        }
        let searched_before = Duration::from_millis(self.study.state().elapsed_ms);
        let (reason, state, finalists) = self.find(searched_before, observer, stop)?;
        let finals = Finals {
            config: &self.site.config,
            data: &self.site.data,
            engine: &self.site.engine,
            folder: &self.site.folder,
            fleet: &self.site.fleet,
            clock: self.clock(searched_before + self.supernet_before)?,
        };
        let finished =
            finals.run(&finalists, stop, observer).map_err(|error| match error.downcast_ref() {
                Some(TrainError::Interrupted) => self.interrupted(),
                _ => error,
            })?;
        let lengths = finished.iter().map(|finished| finished.length.clone()).collect();
        let broken: Vec<String> = finished.iter().filter_map(Finished::broken).collect();
        let Some(Finished { metrics, certificate, .. }) = finished.into_iter().next() else {
            bail!("no network was trained: this is a bug, please report it");
        };
        self.record(&state, lengths)?;
        write_motifs(&state, self.study.space(), &self.site.folder)?;
        write_report(&self.site.folder)?;
        self.site.folder.forget_checkpoints();
        let run = self.site.folder.path().display().to_string();
        observer.notice(&Notice::Done { run, test: &metrics.test, costs: &certificate.costs });
        match broken.is_empty() {
            true => Ok(Outcome { reason, metrics, certificate }),
            false => Err(Infeasible(broken.join("; ")).into()),
        }
    }

    /// What came of a run that an earlier process finished.
    fn finished(&self, observer: &mut dyn Observer) -> Option<Outcome> {
        self.study.state().report.as_ref()?;
        let read = |name: &str| RunFolder::read(&self.site.folder.best(name)).ok();
        let metrics: Metrics = serde_json::from_str(&read("metrics.json")?).ok()?;
        let certificate: Certificate = serde_json::from_str(&read("certificate.json")?).ok()?;
        crate::Model::load(self.site.folder.path()).ok()?;
        crate::Model::load(&self.site.folder.best("model.onnx")).ok()?;
        observer.notice(&Notice::Remark { text: "this run is finished already".to_owned() });
        let run = self.site.folder.path().display().to_string();
        observer.notice(&Notice::Done { run, test: &metrics.test, costs: &certificate.costs });
        let reason = self.study.state().stopped.unwrap_or(StopReason::Trials);
        Some(Outcome { reason, metrics, certificate })
    }

    fn introduce(&self, observer: &mut dyn Observer) {
        let (data, config) = (&self.site.data, &self.site.config);
        let sizes = [Subset::Train, Subset::Valid, Subset::Test].map(|s| data.len(s));
        let mut texts = vec![
            format!(
                "data      {} ({}): {}, {} train, {} valid, {} test",
                data.name(),
                data.format(),
                data.features(),
                sizes[0],
                sizes[1],
                sizes[2]
            ),
            format!(
                "space     {} with {} networks",
                self.site.space.name(),
                self.site.space.count().map_or("countless".to_owned(), |n| format!("{:.3e}", n as f64))
            ),
            format!(
                "search    {} with {}, up to {:.2} epochs a trial on {}",
                config.strategy_name(),
                config.scheduler.name,
                config.search.epochs,
                config.engine
            ),
            format!("run       {}", self.site.folder.path().display()),
        ];
        texts.extend(self.site.notes.iter().cloned());
        texts.into_iter().for_each(|text| observer.notice(&Notice::Remark { text }));
    }

    fn interrupted(&self) -> anyhow::Error {
        Interrupted(format!("go on with `nasmyth resume {}`", self.site.folder.path().display())).into()
    }

    /// The trials that count: when time ended the search, those up to the first that was cut off, so that the same number
    /// of trials gives the same result again.
    fn settled(&self, reason: StopReason) -> State {
        let state = self.study.state();
        match reason {
            StopReason::Time => state.prefix(state.settled()),
            _ => state.clone(),
        }
    }

    /// When the final training has to be over, and its most epochs; nothing without a time budget.
    fn clock(&self, spent_before: Duration) -> Result<Option<(Instant, f64)>> {
        let Some(time) = self.site.config.budget.time()? else { return Ok(None) };
        let after = WRAP_UP + self.site.fleet.certifying(networks(&self.site.config));
        let left = time.saturating_sub(spent_before).saturating_sub(after);
        let most =
            self.site.config.search.final_epochs.max(most_final_epochs(&self.site.data, &self.site.config));
        Ok(Some((self.site.started + left, most)))
    }

    /// Writes the configuration that repeats this very run, and closes the log.
    fn record(&mut self, state: &State, mut lengths: Vec<FinalLength>) -> Result<()> {
        let mut config = self.site.config.clone();
        let mut header = String::new();
        if !self.site.fleet.is_empty() {
            config.search.devices = Some(self.site.folder.devices());
        }
        if let Some(time) = config.budget.time.take() {
            header = format!("# Searched for {time}; what follows repeats the result.\n");
            config.budget.trials = Some(state.trials().len() as u64);
        }
        if !config.objectives.single() {
            config.search.front = lengths;
        } else if let Some(FinalLength { epochs, stop, learning_rate, .. }) = lengths.pop() {
            config.search.final_epochs = epochs;
            config.search.final_stop = stop;
            config.search.final_learning_rate = learning_rate;
        }
        RunFolder::write(&self.site.folder.config(), (header + &config.to_toml()?).as_bytes())?;
        let best = state.best().map(|t| t.trial);
        Ok(self.study.record_final(serde_json::json!({ "trial": best, "trials": state.trials().len(), "seconds": self.site.started.elapsed().as_secs_f64() }))?)
    }
}

/// How long a search may take, in words.
pub(crate) fn budget_in_words(config: &RunConfig) -> String {
    let trials = config.budget.trials.map(|t| format!("{t} trials"));
    let time = config.budget.time().ok().flatten().map(format_duration);
    [trials, time].into_iter().flatten().collect::<Vec<_>>().join(" or ")
}
