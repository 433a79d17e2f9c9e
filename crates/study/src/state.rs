//! Where a run stands: a fold over its events.

use crate::{Event, GraphHash, Record, Refutation, StopReason, StudyConfig};
use nasmyth_device::{Costs, Limits};
use nasmyth_estimator::{Estimate, Fidelity};
use nasmyth_space::Genotype;
use nasmyth_strategy::Origin;
use serde::Serialize;

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Status {
    /// Nothing yet.
    Running,
    /// A value.
    Completed(Estimate),
    /// No value.
    Failed {
        /// Why.
        reason: String,
        /// Last output of the program that ran it, if any.
        output: Option<String>,
    },
}

/// One trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// Its number.
    pub trial: u64,
    /// What was built.
    pub genotype: Genotype,
    /// Identity of its graph.
    pub hash: GraphHash,
    /// What it costs.
    pub costs: Costs,
    /// Effort.
    pub fidelity: Fidelity,
    /// The rung whose checkpoint it continued from.
    pub previous: Option<Fidelity>,
    /// The trial that it was made from, or continues.
    pub parent: Option<u64>,
    /// How it came about.
    pub origin: Origin,
    /// When it was decided on, in active milliseconds of the run.
    pub asked_ms: u64,
    /// When it was over.
    pub done_ms: Option<u64>,
    /// The equal earlier trial that its result is from.
    pub cached_from: Option<u64>,
    /// What came of it.
    pub status: Status,
}

impl Trial {
    /// Its value, if it has one.
    pub fn value(&self) -> Option<f64> {
        match &self.status {
            Status::Completed(estimate) => Some(estimate.value),
            _ => None,
        }
    }

    /// Whether nothing came of it yet.
    pub fn running(&self) -> bool {
        self.status == Status::Running
    }
}

/// A run as its log tells it. See the methods for what can be asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct State {
    /// What the run was asked to do, with the budget and workers of the last resume.
    pub config: StudyConfig,
    /// Name of its space.
    pub space: String,
    /// Options that the space is searched without, each `path=value`.
    pub left_out: Vec<String>,
    /// Why it ended, unless it goes on or was killed.
    pub stopped: Option<StopReason>,
    /// What the caller made of the result.
    pub report: Option<serde_json::Value>,
    /// How often it was resumed.
    pub resumes: u32,
    /// Active milliseconds so far.
    pub elapsed_ms: u64,
    pub(crate) events: u64,
    pub(crate) trials: Vec<Trial>,
    /// Networks that are out because measurements broke a limit.
    pub refuted: Vec<Refutation>,
    /// From which trial on which limits hold in place of the configuration's.
    pub(crate) tightened: Vec<(u64, Limits)>,
}

impl State {
    /// The state after these events.
    ///
    /// # Errors
    /// What is wrong with the first event that cannot follow those before it.
    pub fn of(records: &[Record]) -> Result<Self, String> {
        let mut state = Self::default();
        records.iter().try_for_each(|record| state.apply(record))?;
        Ok(state)
    }

    /// All trials in order.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The limits that the next trial has to keep.
    pub fn limits(&self) -> &Limits {
        self.tightened.last().map_or(&self.config.limits, |(_, limits)| limits)
    }

    /// Takes in one more event.
    ///
    /// # Errors
    /// Why it cannot follow.
    pub fn apply(&mut self, record: &Record) -> Result<(), String> {
        if record.sequence != self.events {
            return Err(format!("expected event {}, got event {}", self.events, record.sequence));
        }
        let begins = matches!(record.event, Event::Created { .. });
        if begins != (record.sequence == 0) {
            return Err(format!(
                "event {} begins a run in the middle, or there is no beginning",
                record.sequence
            ));
        }
        self.fold(&record.event, record.ms)?;
        self.events += 1;
        self.elapsed_ms = self.elapsed_ms.max(record.ms);
        Ok(())
    }

    fn fold(&mut self, event: &Event, ms: u64) -> Result<(), String> {
        match event.clone() {
            Event::Created { config, space } => {
                self.config = *config;
                self.space = space;
            }
            Event::Asked { trial, genotype, hash, costs, fidelity, previous, parent, origin } => {
                if trial != self.trials.len() as u64 {
                    return Err(format!("expected trial {}, got trial {trial}", self.trials.len()));
                }
                let (done_ms, cached_from, status) = (None, None, Status::Running);
                self.trials.push(Trial {
                    trial,
                    genotype,
                    hash,
                    costs,
                    fidelity,
                    previous,
                    parent,
                    origin,
                    asked_ms: ms,
                    done_ms,
                    cached_from,
                    status,
                });
            }
            Event::Completed { trial, estimate } => {
                self.finish(trial, ms, Status::Completed(estimate), None)?
            }
            Event::Failed { trial, reason, output } => {
                self.finish(trial, ms, Status::Failed { reason, output }, None)?;
            }
            Event::Cached { trial, from } => {
                let status = self.trials.get(from as usize).map(|earlier| earlier.status.clone());
                let status = status.filter(|status| *status != Status::Running);
                let status = status
                    .ok_or_else(|| format!("trial {trial} has the result of trial {from}, which has none"))?;
                self.finish(trial, ms, status, Some(from))?;
            }
            Event::Narrowed { left_out } => {
                if !self.trials.is_empty() {
                    return Err(format!("options are left out after {} trials", self.trials.len()));
                }
                self.left_out = left_out;
            }
            Event::Refuted(refutation) => self.refuted.push(refutation),
            Event::Tightened { from, limits, budget } => {
                if from != self.trials.len() as u64 {
                    return Err(format!("limits from trial {from} on, after {} trials", self.trials.len()));
                }
                self.tightened.push((from, limits));
                self.config.budget = budget;
                self.stopped = None;
            }
            Event::Remark { .. } => {}
            Event::Stopped { reason } => self.stopped = Some(reason),
            Event::Resumed { budget, workers } => {
                self.config.budget = budget;
                self.config.workers = workers;
                self.stopped = None;
                self.resumes += 1;
            }
            Event::Final { report } => self.report = Some(report),
        }
        Ok(())
    }

    fn finish(&mut self, trial: u64, ms: u64, status: Status, from: Option<u64>) -> Result<(), String> {
        match self.trials.get_mut(trial as usize).filter(|known| known.running()) {
            Some(known) => {
                known.status = status;
                known.done_ms = Some(ms);
                known.cached_from = from;
                Ok(())
            }
            None => Err(format!("trial {trial} ends, but it was never asked or has ended before")),
        }
    }
}
