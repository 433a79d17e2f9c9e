//! A run from beginning to end: search, final training, report.

use crate::effort::Speed;
use crate::finalists::{FRONT, Finalist, Finals, Finished, finalists};
use crate::fleet::Fleet;
use crate::holding::{Holding, nothing_holds, tightened};
use crate::motifs::write_motifs;
use crate::supernet::Training;
use crate::{
    Certificate, Effort, FinalLength, Infeasible, Interrupted, Metrics, Notice, Observer, Request, RunConfig,
    RunFolder, format_duration, parse_duration, write_report,
};
use anyhow::{Context as _, Result, anyhow, bail};
use nasmyth_data::{Dataset, Features, Subset, Task};
use nasmyth_device::{Limits, Meter};
use nasmyth_engine::Engine;
use nasmyth_estimator::{Cached, Estimator, External, StopFlag};
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::{Context, Genotype, Space, preset};
use nasmyth_strategy::{BeginWith, scheduler_named};
use nasmyth_study::{
    Budget, Changes, Event, Provenance, RunLock, STORE_FILE, State, Status, StopReason, Study, StudyConfig,
    feasibility,
};
use nasmyth_supernet::one_shot::{InheritedEstimator, Supernet, Task as OneShotTask};
use nasmyth_train::{TrainError, Trainer, TrainingEstimator};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Estimates in a folder that runs share.
const CACHE_FILE: &str = "estimates.jsonl";

/// Networks of a controller's policy that the search with inherited weights begins with.
const FAVOURITES: usize = 16;

/// With less time than this, a search that has found nothing does not go on.
const LEAST_LEFT: Duration = Duration::from_secs(10);

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
    folder: RunFolder,
    config: RunConfig,
    data: Dataset,
    space: Space,
    engine: Engine,
    study: Study,
    fleet: Fleet,
    /// A network that keeps the limits, in case that no trial ends.
    fallback: Genotype,
    /// When this process began with it.
    started: Instant,
    /// What earlier processes spent on the super-network, if there is one.
    supernet_before: Duration,
    notes: Vec<String>,
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
        let mut space = space_for(&config, &data)?;
        scheduler_named(&config.scheduler.name)?;
        let mut notes = data.notes().iter().map(|note| format!("note      {note}")).collect::<Vec<_>>();
        if let Some(mut supernet) = config.supernet.take() {
            notes.extend(
                supernet.check_operators(one_shot_task(&config, &data, &space), &config.open_engine()?)?,
            );
            config.supernet = Some(supernet);
            space = space_for(&config, &data)?;
        }
        let fleet = Fleet::prepare(&config, &space, &folder, &mut |text| notes.push(text))?;
        let meter = fleet.meter();
        let fallback = feasibility(&space, &config.limits, meter).map_err(|e| Infeasible(e.to_string()))?;
        let engine = config.open_engine()?;
        let search_time = plan_effort(&mut config, request, &data, &engine, (&space, meter, &fallback))?;
        let limits = affordable(&config, &space, meter);
        let elapsed = started.elapsed();
        if let Some(supernet) = &config.supernet {
            supernet.check_memory(one_shot_task(&config, &data, &space), &engine)?;
        }
        let study_config = StudyConfig {
            seed: config.seed,
            budget: Budget {
                trials: config.budget.trials,
                time: search_time.map(|t| t.saturating_sub(elapsed + fleet.measuring(networks(&config)))),
            },
            workers: config.workers,
            window: config.search.window,
            strategy: config.strategy.clone(),
            scheduler: config.scheduler.clone(),
            epochs: config.search.epochs,
            limits,
            objectives: config.objectives.clone(),
            provenance: Provenance {
                versions: BTreeMap::from([("nasmyth".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
                data: config.data.fingerprint.clone(),
                extra: serde_json::Value::Null,
            },
        };
        study_config.check()?;
        if let Some(estimator) = &config.estimator {
            External::new(&estimator.command)?.found()?;
        }
        let study = Study::create(folder.path(), study_config, space.clone())?.with_meter(meter.clone());
        RunFolder::write(&folder.schema(), &serde_json::to_vec_pretty(data.schema())?)?;
        RunFolder::write(&folder.split(), &serde_json::to_vec_pretty(data.split())?)?;
        RunFolder::write(&folder.config(), config.to_toml()?.as_bytes())?;
        Ok(Self {
            folder,
            config,
            data,
            space,
            engine,
            study,
            fleet,
            fallback,
            started,
            supernet_before: Duration::ZERO,
            notes,
        })
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
        let space = space_for(&config, &data)?;
        config.workers = workers.unwrap_or(config.workers);
        let engine = config.open_engine()?;
        let fleet = Fleet::take_up(&config, &folder)?;
        let meter = fleet.meter();
        let fallback = feasibility(&space, &config.limits, meter).map_err(|e| Infeasible(e.to_string()))?;
        let study = Study::resume(folder.path(), space.clone(), Changes { workers, budget: None })?;
        let study = study.with_meter(meter.clone());
        let notes = data.notes().iter().map(|note| format!("note      {note}")).collect();
        Ok(Self {
            folder,
            config,
            data,
            space,
            engine,
            study,
            fleet,
            fallback,
            started,
            supernet_before: Duration::ZERO,
            notes,
        })
    }

    /// The resolved configuration.
    pub fn config(&self) -> &RunConfig {
        &self.config
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
            config: &self.config,
            data: &self.data,
            engine: &self.engine,
            folder: &self.folder,
            fleet: &self.fleet,
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
        write_motifs(&state, &self.space, &self.folder)?;
        write_report(&self.folder)?;
        self.folder.forget_checkpoints();
        let run = self.folder.path().display().to_string();
        observer.notice(&Notice::Done { run, test: &metrics.test, costs: &certificate.costs });
        match broken.is_empty() {
            true => Ok(Outcome { reason, metrics, certificate }),
            false => Err(Infeasible(broken.join("; ")).into()),
        }
    }

    /// Searches until networks are found that keep their limits also when they are measured: what does not is out, and if nothing is left,
    /// the search goes on below tighter limits.
    fn find(
        &mut self,
        spent_before: Duration,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<(StopReason, State, Vec<Finalist>)> {
        loop {
            let reason = self.search(observer, stop)?;
            if reason == StopReason::Interrupted {
                return Err(self.interrupted());
            }
            let state = self.settled(reason);
            if let Some(text) = untested(&state) {
                observer.notice(&Notice::Remark { text });
            }
            if let Some((state, finalists)) = self.holding(state, observer)? {
                return Ok((reason, state, finalists));
            }
            let limits = tightened(self.study.state().limits(), self.study.state());
            let budget = self.more(spent_before + self.supernet_before)?;
            let (Some(budget), Ok(_)) = (budget, feasibility(&self.space, &limits, self.fleet.meter()))
            else {
                return Err(Infeasible(nothing_holds(self.study.state())).into());
            };
            let text = format!("measured  nothing that was found keeps its limits: on with {limits}");
            observer.notice(&Notice::Remark { text });
            self.study.tighten(limits, budget)?;
        }
    }

    /// The networks to train to the end; nothing if no network that was found holds when it is measured.
    fn holding(
        &mut self,
        mut state: State,
        observer: &mut dyn Observer,
    ) -> Result<Option<(State, Vec<Finalist>)>> {
        let mut holding = Holding::new(&self.fleet, &self.config.limits);
        loop {
            let chosen = finalists(&state, &self.space, &self.config, &self.fallback)?;
            let mut refuted = None;
            for finalist in &chosen {
                refuted = holding.refutation(&finalist.graph, observer)?;
                if refuted.is_some() {
                    break;
                }
            }
            let Some(refutation) = refuted else { return Ok(Some((state, chosen))) };
            self.study.refute(refutation.clone())?;
            state.refuted.push(refutation);
            if state.best().is_none() {
                return Ok(None);
            }
        }
    }

    /// A larger budget for a search that has found nothing yet: a quarter more trials, or a quarter of the time that is left. None if
    /// there is no time left.
    fn more(&self, spent_before: Duration) -> Result<Option<Budget>> {
        let Budget { trials, time } = self.study.state().config.budget;
        let trials = trials.map(|trials| trials + (trials / 4).max(self.config.search.window));
        let Some((end, _)) = self.clock(spent_before)? else { return Ok(Some(Budget { trials, time })) };
        let left = end.saturating_duration_since(Instant::now());
        let active = Duration::from_millis(self.study.state().elapsed_ms);
        Ok((left > LEAST_LEFT).then(|| Budget { trials, time: time.map(|_| active + left / 4) }))
    }

    /// What came of a run that an earlier process finished.
    fn finished(&self, observer: &mut dyn Observer) -> Option<Outcome> {
        self.study.state().report.as_ref()?;
        let read = |name: &str| RunFolder::read(&self.folder.best(name)).ok();
        let metrics: Metrics = serde_json::from_str(&read("metrics.json")?).ok()?;
        let certificate: Certificate = serde_json::from_str(&read("certificate.json")?).ok()?;
        crate::Model::load(self.folder.path()).ok()?;
        crate::Model::load(&self.folder.best("model.onnx")).ok()?;
        observer.notice(&Notice::Remark { text: "this run is finished already".to_owned() });
        let run = self.folder.path().display().to_string();
        observer.notice(&Notice::Done { run, test: &metrics.test, costs: &certificate.costs });
        let reason = self.study.state().stopped.unwrap_or(StopReason::Trials);
        Some(Outcome { reason, metrics, certificate })
    }

    fn introduce(&self, observer: &mut dyn Observer) {
        let (data, config) = (&self.data, &self.config);
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
                self.space.name(),
                self.space.count().map_or("countless".to_owned(), |n| format!("{:.3e}", n as f64))
            ),
            format!(
                "search    {} with {}, up to {:.2} epochs a trial on {}",
                config.strategy.name, config.scheduler.name, config.search.epochs, config.engine
            ),
            format!("run       {}", self.folder.path().display()),
        ];
        texts.extend(self.notes.iter().cloned());
        texts.into_iter().for_each(|text| observer.notice(&Notice::Remark { text }));
    }

    fn interrupted(&self) -> anyhow::Error {
        Interrupted(format!("go on with `nasmyth resume {}`", self.folder.path().display())).into()
    }

    /// Searches, unless an earlier process has finished with that.
    fn search(&mut self, observer: &mut dyn Observer, stop: &StopFlag) -> Result<StopReason> {
        if let Some(reason) = self.study.state().stopped.filter(|r| *r != StopReason::Interrupted) {
            return Ok(reason);
        }
        std::fs::create_dir_all(self.folder.checkpoints())
            .with_context(|| format!("cannot write into {}", self.folder.path().display()))?;
        let ladder = scheduler_named(&self.config.scheduler.name)?
            .make(&self.config.scheduler.settings, self.config.search.epochs)?
            .ladder();
        let ladder: Vec<f64> = ladder.iter().map(|f| f.epochs).collect();
        let context = self.estimate_context(&ladder)?;
        let limits = self.study.state().config.limits.clone();
        let meter = self.fleet.meter().clone();
        let admit = |graph: &VerifiedGraph| limits.check(graph, &meter).is_empty();
        let load = |graph: &VerifiedGraph| limits.load(graph, &meter);
        let supernet: Option<Supernet> = match &self.config.supernet {
            None => None,
            Some(config) => {
                let task = one_shot_task(&self.config, &self.data, &self.space);
                let context = self.supernet_context(&limits)?;
                let (engine, folder) = (&self.engine, &self.folder);
                let training = Training { config, task, engine, folder, context };
                let Some((supernet, before)) = training.run(&admit, &load, observer, stop)? else {
                    return Ok(StopReason::Interrupted);
                };
                self.supernet_before = before;
                Some(supernet)
            }
        };
        let estimator: Box<dyn Estimator + '_> = match (&self.config.estimator, &supernet) {
            (_, Some(supernet)) => Box::new(InheritedEstimator { judge: supernet.judge() }),
            (Some(external), None) => Box::new(self.external(external)?),
            (None, None) => Box::new(TrainingEstimator {
                data: &self.data,
                recipe: self.config.recipe.clone(),
                engine: self.engine.clone(),
                ladder,
                checkpoints: self.folder.checkpoints(),
            }),
        };
        let cached = match &self.config.cache {
            Some(folder) => {
                let path = folder.join(CACHE_FILE);
                let cached = Cached::open(&path, &context, &*estimator);
                Some(
                    cached
                        .with_context(|| format!("the cache {}: cannot read or write it", path.display()))?,
                )
            }
            None => None,
        };
        let estimator = cached.as_ref().map_or(&*estimator, |cached| cached as &dyn Estimator);
        let budget = self.study.state().config.budget;
        let (begun, before) = (Instant::now(), self.study.state().elapsed_ms);
        let mut asked = self.study.state().trials().len() as u64;
        let mut observe = |event: &Event| {
            asked += u64::from(matches!(event, Event::Asked { .. }));
            observer.notice(&Notice::Search { event });
            let by_trials = budget.trials.map_or(0.0, |t| asked as f64 / t as f64);
            let elapsed = begun.elapsed().as_secs_f64() + before as f64 / 1e3;
            let by_time = budget.time.map_or(0.0, |t| elapsed / t.as_secs_f64());
            observer.notice(&Notice::SearchProgress { share: by_trials.max(by_time).min(1.0) });
        };
        let mut methods = self.study.methods()?;
        if let Some(supernet) = &supernet {
            methods.strategy = Box::new(BeginWith::new(supernet.favourites(FAVOURITES), methods.strategy));
        }
        Ok(self.study.run_with(methods, estimator, &mut observe, stop)?)
    }

    /// What an estimate depends on, beside the network, its effort and its seed.
    fn estimate_context(&self, ladder: &[f64]) -> Result<String> {
        let RunConfig { data, recipe, supernet, estimator, engine, seed, .. } = &self.config;
        let limits = supernet.is_some().then(|| &self.study.state().config.limits);
        let supernet = supernet.as_ref().map(|s| (s, &self.config.space, limits));
        let version = env!("CARGO_PKG_VERSION");
        let data =
            (data.fingerprint.as_deref(), data.valid_fraction, data.test_fraction, &data.target, data.task);
        Ok(serde_json::to_string(&(version, data, recipe, supernet, estimator, engine, seed, ladder))?)
    }

    /// What the weights of the super-network are a function of, beside recipe, settings and seed.
    fn supernet_context(&self, limits: &Limits) -> Result<String> {
        let RunConfig { data, space, supernet, engine, .. } = &self.config;
        let data = (data.fingerprint.as_deref(), data.valid_fraction, data.test_fraction, &data.target);
        Ok(serde_json::to_string(&(env!("CARGO_PKG_VERSION"), data, space, supernet, engine, limits))?)
    }

    fn external(&self, config: &crate::EstimatorConfig) -> Result<External> {
        let external = External::new(&config.command)?.found()?.data(&self.config.data.path);
        let statistics = self.data.statistics().clone();
        let write = move |graph: &VerifiedGraph, seed: u64, path: &Path| {
            let params = nasmyth_train::initial_params(graph, &statistics, seed);
            let bytes = nasmyth_export::to_onnx(graph, &params, &[]).map_err(|e| e.to_string())?;
            std::fs::write(path, bytes).map_err(|e| e.to_string())
        };
        let external = external.onnx(self.folder.checkpoints(), Box::new(write));
        Ok(match config.timeout.as_deref().map(parse_duration).transpose().map_err(|e| anyhow!(e))? {
            Some(timeout) => external.timeout(timeout),
            None => external,
        })
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
        let Some(time) = self.config.budget.time()? else { return Ok(None) };
        let after = WRAP_UP + self.fleet.certifying(networks(&self.config));
        let left = time.saturating_sub(spent_before).saturating_sub(after);
        let most = self.config.search.final_epochs.max(most_final_epochs(&self.data, &self.config));
        Ok(Some((self.started + left, most)))
    }

    /// Writes the configuration that repeats this very run, and closes the log.
    fn record(&mut self, state: &State, mut lengths: Vec<FinalLength>) -> Result<()> {
        let mut config = self.config.clone();
        let mut header = String::new();
        if !self.fleet.is_empty() {
            config.search.devices = Some(self.folder.devices());
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
        RunFolder::write(&self.folder.config(), (header + &config.to_toml()?).as_bytes())?;
        let best = state.best().map(|t| t.trial);
        Ok(self.study.record_final(serde_json::json!({ "trial": best, "trials": state.trials().len(), "seconds": self.started.elapsed().as_secs_f64() }))?)
    }
}

/// What a super-network of the run is trained for.
fn one_shot_task<'a>(config: &'a RunConfig, data: &'a Dataset, space: &'a Space) -> OneShotTask<'a> {
    OneShotTask { space, data, recipe: &config.recipe, seed: config.seed }
}

/// The preset, the published family or the user's file, without what a super-network's configuration leaves out.
fn space_for(config: &RunConfig, data: &Dataset) -> Result<Space> {
    let space = match config.space.strip_prefix("zoo:") {
        Some(family) => Ok(nasmyth_zoo::space(family, &context(data))?),
        None => preset(&config.space, &context(data)),
    };
    let space = match config.space.ends_with(".toml") {
        true => space.with_context(|| config.space.clone())?,
        false => space?,
    };
    match &config.supernet {
        Some(supernet) => space.without(&supernet.left_out).context("supernet.left_out"),
        None => Ok(space),
    }
}

/// Refuses a folder that cannot take a run. What a run leaves that was killed before its first trial is cleared away.
fn vacant(folder: &RunFolder) -> Result<()> {
    let path = folder.path().display();
    if folder.path().exists() && !folder.path().is_dir() {
        bail!("{path} is a file: give another `--out`, a folder");
    }
    if folder.config().exists() {
        bail!("{path} holds a run already: go on with `nasmyth resume {path}`, or give another `--out`");
    }
    if Study::load(folder.path()).is_ok_and(|state| state.trials().is_empty()) {
        let _lock = RunLock::take(folder.path())?;
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("{STORE_FILE}{ending}")));
        }
    }
    Ok(())
}

/// Refuses a folder in which no run has begun.
fn begun(folder: &RunFolder) -> Result<()> {
    let path = folder.path().display();
    if folder.config().exists() {
        return Ok(());
    }
    match folder.path().join(STORE_FILE).exists() {
        true => {
            bail!("the run in {path} was killed before it began: give its `nasmyth search` command again")
        }
        false => bail!("{path} holds no run (there is no `config.toml` in it): check the path"),
    }
}

/// A warning when no trial has a value.
fn untested(state: &State) -> Option<String> {
    if state.best().is_some() {
        return None;
    }
    let reason = state.trials().iter().rev().find_map(|trial| match &trial.status {
        Status::Failed { reason, .. } => Some(format!(", the last with: {reason}")),
        _ => None,
    });
    let failed = reason.map_or("no trial ended".to_owned(), |reason| format!("every trial failed{reason}"));
    Some(format!("note      {failed}; a network that keeps the limits is trained all the same"))
}

/// Where even much time is better spent on searching than on training longer.
fn most_final_epochs(data: &Dataset, config: &RunConfig) -> f64 {
    let speed = Speed { seconds_per_sample: 1e-9, macs: 1, activations: 1 };
    Effort::by_time(Duration::from_secs(3600), 1, 1, data.len(Subset::Train), config.recipe.batch, speed)
        .final_epochs
}

/// With a time budget, measures the machine and sets the efforts that the request leaves open. Returns the time for searching.
fn plan_effort(
    config: &mut RunConfig,
    request: &Request,
    data: &Dataset,
    engine: &Engine,
    (space, meter, feasible): (&Space, &Meter, &Genotype),
) -> Result<Option<Duration>> {
    let Some(time) = config.budget.time()? else { return Ok(None) };
    let default = space.default_genotype();
    let lowered = |g: &Genotype| -> Result<VerifiedGraph> { Ok(space.lower(g)?.verify()?) };
    let graph = lowered(&default)?;
    let graph = if config.limits.check(&graph, meter).is_empty() { graph } else { lowered(feasible)? };
    let engine = engine.single_threaded();
    let mut trainer = Trainer::new(&graph, data, Subset::Train, &config.recipe, config.seed, &engine)?;
    let samples = data.len(Subset::Train);
    let speed = Speed::of(&mut trainer, &graph, samples)?;
    let networks = networks(config) as usize;
    let effort = Effort::by_time(time, config.workers, networks, samples, config.recipe.batch, speed);
    if !request.gives("search", "epochs") {
        config.search.epochs = effort.search_epochs;
    }
    if !request.gives("search", "final_epochs") {
        config.search.final_epochs = effort.final_epochs;
    }
    if !request.gives("search", "trainable") {
        config.search.trainable = effort.trainable;
    }
    let search_time = effort.search_time.unwrap_or(time).saturating_sub(WRAP_UP);
    let Some(mut supernet) = config.supernet.take() else { return Ok(Some(search_time)) };
    let task = one_shot_task(config, data, space);
    let left = supernet.plan(task, &config.open_engine()?, search_time, request.gives("supernet", "epochs"));
    config.supernet = Some(supernet);
    Ok(Some(left?))
}

/// Networks that are trained to the end, at most.
fn networks(config: &RunConfig) -> u32 {
    if config.objectives.single() { 1 } else { FRONT as u32 }
}

/// The user's limits, and what the time allows to train unless no network keeps that too.
fn affordable(config: &RunConfig, space: &Space, meter: &Meter) -> Limits {
    let limits = Limits([config.limits.0.clone(), config.search.trainable.0.clone()].concat());
    if feasibility(space, &limits, meter).is_ok() { limits } else { config.limits.clone() }
}

/// How long a search may take, in words.
pub(crate) fn budget_in_words(config: &RunConfig) -> String {
    let trials = config.budget.trials.map(|t| format!("{t} trials"));
    let time = config.budget.time().ok().flatten().map(format_duration);
    [trials, time].into_iter().flatten().collect::<Vec<_>>().join(" or ")
}
