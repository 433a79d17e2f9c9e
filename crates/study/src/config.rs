//! What a study is asked to do, as data.

use crate::StudyError;
use nasmyth_device::{Limits, Objectives};
use nasmyth_strategy::{STRATEGIES, Scheduler, Strategy, scheduler_named, strategy_named};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// When to stop; whatever comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Trials; each rung of a network counts as one.
    pub trials: Option<u64>,
    /// Time that the run is active; pauses between resumes do not count.
    pub time: Option<Duration>,
}

/// A strategy or scheduler by name, with settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Name in the list.
    pub name: String,
    /// Its settings; what is not given has its default.
    #[serde(default)]
    pub settings: toml::Table,
}

impl Method {
    /// With default settings.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), settings: toml::Table::new() }
    }
}

/// A strategy and a scheduler that know nothing yet.
pub struct Methods {
    /// What to try next.
    pub strategy: Box<dyn Strategy>,
    /// Who gets how much effort.
    pub scheduler: Box<dyn Scheduler>,
}

/// Where a run comes from: kept in the log, not interpreted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Programs and their versions.
    pub versions: BTreeMap<String, String>,
    /// Fingerprint of the data.
    pub data: Option<String>,
    /// Anything else that the caller needs to resume (paths, recipe, ...).
    pub extra: serde_json::Value,
}

/// All that determines the trials, and the budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyConfig {
    /// Of all randomness.
    pub seed: u64,
    /// When to stop.
    pub budget: Budget,
    /// Trials that run at the same time, at most `window`. Has no influence on which trials there are.
    pub workers: usize,
    /// Trial `i` is asked for when all trials up to `i - window` have been told.
    pub window: u64,
    /// What to try next.
    pub strategy: Method,
    /// Who gets how much effort.
    pub scheduler: Method,
    /// Epochs of the full effort.
    pub epochs: f64,
    /// What every network must keep.
    pub limits: Limits,
    /// What is to be good beside the value.
    #[serde(default)]
    pub objectives: Objectives,
    /// Where the run comes from.
    pub provenance: Provenance,
}

impl Default for StudyConfig {
    /// Evolution on one worker at full effort, without limits or an end.
    fn default() -> Self {
        Self {
            seed: 0,
            budget: Budget::default(),
            workers: 1,
            window: 8,
            strategy: Method::new("regularized-evolution"),
            scheduler: Method::new("none"),
            epochs: 1.0,
            limits: Limits::default(),
            objectives: Objectives::default(),
            provenance: Provenance::default(),
        }
    }
}

impl StudyConfig {
    /// Makes the strategy and the scheduler, for a run without a folder.
    ///
    /// # Errors
    /// A field out of range, an unknown name or setting.
    pub fn check(&self) -> Result<Methods, StudyError> {
        self.methods(None)
    }

    /// Makes the strategy and the scheduler, for a run in this folder.
    pub(crate) fn methods(&self, folder: Option<&Path>) -> Result<Methods, StudyError> {
        let wrong = |field, expected, got| Err(StudyError::Config { field, expected, got });
        if self.workers == 0 {
            return wrong("workers", "at least 1", "0".to_owned());
        }
        if self.window == 0 {
            return wrong("window", "at least 1", "0".to_owned());
        }
        if !(self.epochs.is_finite() && self.epochs > 0.0) {
            return wrong("epochs", "a finite number above 0", self.epochs.to_string());
        }
        let kind = strategy_named(&self.strategy.name)?;
        if !self.objectives.single() && !kind.several {
            let several = STRATEGIES.iter().filter(|kind| kind.several).map(|kind| kind.name);
            let expected = "a strategy that looks for a front, as there are several objectives";
            let got =
                format!("{}; such strategies are {}", kind.name, several.collect::<Vec<_>>().join(", "));
            return wrong("strategy", expected, got);
        }
        let strategy = kind.make_in(&self.strategy.settings, folder)?;
        let scheduler = scheduler_named(&self.scheduler.name)?.make(&self.scheduler.settings, self.epochs)?;
        Ok(Methods { strategy, scheduler })
    }
}
