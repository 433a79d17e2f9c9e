//! A run folder in use.

use crate::assessor::Assessor;
use crate::clock::Clock;
use crate::pool::Pool;
use crate::run::Run;
use crate::stores::SqliteStore;
use crate::{
    Budget, Event, Methods, Record, Refutation, RunLock, State, StopReason, Store, StoreError, StudyConfig,
    StudyError,
};
use nasmyth_device::{Limits, Meter};
use nasmyth_estimator::{Estimator, StopFlag};
use nasmyth_space::Space;
use std::path::{Path, PathBuf};
use std::thread;

/// Name of the log in the run folder.
pub const STORE_FILE: &str = "study.db";
/// Name of the lock in the run folder.
pub const LOCK_FILE: &str = "lock";

/// What may change when a run is resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// A new budget (counted from the creation of the run).
    pub budget: Option<Budget>,
    /// A new number of workers.
    pub workers: Option<usize>,
}

/// A search with its log.
pub struct Study {
    space: Space,
    meter: Meter,
    store: Box<dyn Store>,
    state: State,
    clock: Clock,
    /// Names the log in errors.
    path: PathBuf,
    /// Of a run in a folder.
    lock: Option<RunLock>,
}

impl Study {
    /// Begins a run in this folder, which is made if need be.
    ///
    /// # Errors
    /// A wrong configuration, a folder that holds a run or is in use or cannot be written.
    pub fn create(folder: &Path, config: StudyConfig, space: Space) -> Result<Self, StudyError> {
        config.check()?;
        let file = |source| StudyError::File { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(file)?;
        let lock = RunLock::take(folder)?;
        let path = folder.join(STORE_FILE);
        let store = SqliteStore::open(&path)?;
        if !store.read_since(0)?.is_empty() {
            return Err(StudyError::Exists { folder: folder.to_owned() });
        }
        Self::begin(Box::new(store), path, Some(lock), config, space)
    }

    /// Takes up the run in this folder.
    ///
    /// # Errors
    /// No run, a run in use, a log that is damaged or of a newer version, another space.
    pub fn resume(folder: &Path, space: Space, changes: Changes) -> Result<Self, StudyError> {
        let path = existing(folder)?;
        let lock = RunLock::take(folder)?;
        Self::take_up(Box::new(SqliteStore::open(&path)?), path, Some(lock), space, changes)
    }

    /// A run in a store of any kind: begun if the store is empty (with `config`), else taken up.
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`resume`](Self::resume).
    pub fn in_store(store: Box<dyn Store>, config: StudyConfig, space: Space) -> Result<Self, StudyError> {
        let path = PathBuf::from("(store)");
        if store.read_since(0)?.is_empty() {
            config.check()?;
            return Self::begin(store, path, None, config, space);
        }
        let changes = Changes { budget: Some(config.budget), workers: Some(config.workers) };
        Self::take_up(store, path, None, space, changes)
    }

    /// Where the run in this folder stands, also while another process runs it.
    ///
    /// # Errors
    /// No run, or a log that is damaged or of a newer version.
    pub fn load(folder: &Path) -> Result<State, StudyError> {
        let path = existing(folder)?;
        let records = SqliteStore::open_read_only(&path)?.read_since(0)?;
        Ok(fold(&path, &records)?)
    }

    fn begin(
        store: Box<dyn Store>,
        path: PathBuf,
        lock: Option<RunLock>,
        config: StudyConfig,
        space: Space,
    ) -> Result<Self, StudyError> {
        let created = Event::Created { config: Box::new(config), space: space.name().to_owned() };
        let (meter, state, clock) = (Meter::default(), State::default(), Clock::at(0));
        let mut study = Self { space, meter, store, state, clock, path, lock };
        study.journal(&mut |_| {}).emit(created)?;
        Ok(study)
    }

    fn take_up(
        store: Box<dyn Store>,
        path: PathBuf,
        lock: Option<RunLock>,
        space: Space,
        changes: Changes,
    ) -> Result<Self, StudyError> {
        let state = fold(&path, &store.read_since(0)?)?;
        if state.space != space.name() {
            let got = space.name().to_owned();
            return Err(StudyError::Space { expected: state.space, got });
        }
        let space = space.without(&state.left_out)?;
        let budget = changes.budget.unwrap_or(state.config.budget);
        let workers = changes.workers.unwrap_or(state.config.workers);
        StudyConfig { workers, ..state.config.clone() }.check()?;
        let clock = Clock::at(state.elapsed_ms);
        let meter = Meter::default();
        let mut study = Self { space, meter, store, state, clock, path, lock };
        study.journal(&mut |_| {}).emit(Event::Resumed { budget, workers })?;
        Ok(study)
    }

    /// The same study with devices that its limits and objectives name; a run must be resumed with the same ones.
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Searches the part of the space without these options, each `path=value`, from the first trial on; a run that was resumed knows.
    ///
    /// # Errors
    /// Trials that were made with other options left out, options that the space does not have, or the log cannot be written.
    pub fn narrow(&mut self, left_out: &[String]) -> Result<(), StudyError> {
        if self.state.left_out == left_out {
            return Ok(());
        }
        let (expected, trials) = (self.state.left_out.len(), self.state.trials.len());
        if expected + trials > 0 {
            return Err(StudyError::Narrowed { expected, trials, got: left_out.len() });
        }
        let space = self.space.without(left_out)?;
        self.journal(&mut |_| {}).emit(Event::Narrowed { left_out: left_out.to_vec() })?;
        self.space = space;
        Ok(())
    }

    /// What is searched, and what the genotypes of trials belong to.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Takes a network out, because it breaks a limit when it is measured.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn refute(&mut self, refutation: Refutation) -> Result<(), StudyError> {
        self.journal(&mut |_| {}).emit(Event::Refuted(refutation))
    }

    /// Goes on below tighter limits with another budget, counted from the creation of the run: the next [`run`](Self::run) asks for
    /// networks that keep `limits`. Trials so far stay, and the strategy has learned from them.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn tighten(&mut self, limits: Limits, budget: Budget) -> Result<(), StudyError> {
        let from = self.state.trials.len() as u64;
        self.journal(&mut |_| {}).emit(Event::Tightened { from, limits, budget })
    }

    /// Where the run stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Runs until the budget is used up, the space is exhausted or `stop` is raised. Each new event is shown to
    /// `observer` after it was recorded.
    ///
    /// Trials that were running when an earlier run was killed are run again. When time is over, trials in flight are
    /// stopped and do not count.
    ///
    /// # Errors
    /// The log cannot be written, the strategy fails, or the log does not replay. What was recorded is kept.
    pub fn run(
        &mut self,
        estimator: &dyn Estimator,
        observer: &mut dyn FnMut(&Event),
        stop: &StopFlag,
    ) -> Result<StopReason, StudyError> {
        self.run_with(self.methods()?, estimator, observer, stop)
    }

    /// The strategy and the scheduler of the configuration, fresh, for [`run_with`](Self::run_with).
    ///
    /// # Errors
    /// A wrong configuration.
    pub fn methods(&self) -> Result<Methods, StudyError> {
        self.state.config.methods(self.lock.as_ref().and(self.path.parent()))
    }

    /// As [`run`](Self::run), with a strategy and a scheduler of the caller's own, fresh from their constructors. A run
    /// must be resumed with the same ones.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with(
        &mut self,
        methods: Methods,
        estimator: &dyn Estimator,
        observer: &mut dyn FnMut(&Event),
        stop: &StopFlag,
    ) -> Result<StopReason, StudyError> {
        self.clock = Clock::at(self.state.elapsed_ms); // what the caller did in between is not the run's time
        let deadline = self.state.config.budget.time.and_then(|time| self.clock.when(time));
        let asked_to_stop = stop.child(None);
        let halt = asked_to_stop.child(deadline);
        let config = &self.state.config;
        let assessor = Assessor::new(self.space.clone(), config.limits.clone(), self.meter.clone())
            .with_objectives(config.objectives.clone());
        let workers = self.state.config.workers.min(self.state.config.window as usize); // more would have nothing to do
        let mut run = Run::new(self.journal(observer), methods, assessor, (asked_to_stop, halt.clone()));
        let result = thread::scope(|scope| {
            let mut pool = Pool::start(scope, workers, estimator, &halt);
            let result = run.drive(&mut pool);
            if result.is_err() {
                halt.raise();
            }
            result
        });
        let reason = result?;
        run.journal.emit(Event::Stopped { reason })?;
        Ok(reason)
    }

    /// Adds what the caller made of the result.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn record_final(&mut self, report: serde_json::Value) -> Result<(), StudyError> {
        self.journal(&mut |_| {}).emit(Event::Final { report })
    }

    fn journal<'a>(&'a mut self, observer: &'a mut dyn FnMut(&Event)) -> Journal<'a> {
        Journal { study: self, observer }
    }
}

fn existing(folder: &Path) -> Result<PathBuf, StudyError> {
    let path = folder.join(STORE_FILE);
    if path.is_file() { Ok(path) } else { Err(StudyError::Missing { folder: folder.to_owned() }) }
}

fn fold(path: &Path, records: &[Record]) -> Result<State, StoreError> {
    let corrupt = |detail| StoreError::Corrupt { path: path.to_owned(), detail };
    if records.is_empty() {
        return Err(corrupt("it has no events".to_owned()));
    }
    State::of(records).map_err(corrupt)
}

/// Log and state of a study, written together.
pub(crate) struct Journal<'a> {
    study: &'a mut Study,
    observer: &'a mut dyn FnMut(&Event),
}

impl Journal<'_> {
    pub(crate) fn state(&self) -> &State {
        &self.study.state
    }

    /// Records the event, then lets it have its effect.
    pub(crate) fn emit(&mut self, event: Event) -> Result<(), StudyError> {
        let study = &mut *self.study;
        let ms = study.clock.ms().max(study.state.elapsed_ms);
        let record = Record { sequence: study.state.events, ms, event };
        study.store.append(&record)?;
        let corrupt = |detail| StoreError::Corrupt { path: study.path.clone(), detail };
        study.state.apply(&record).map_err(corrupt)?;
        (self.observer)(&record.event);
        Ok(())
    }
}
