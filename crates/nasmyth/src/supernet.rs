//! A super-network in a run: its configuration, its training, its checkpoint.

use crate::{Notice, Observer, RunFolder};
use anyhow::{Context, Result, bail};
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use nasmyth_supernet::one_shot::{
    Admit, Load, OneShot, OneShotError, Supernet, Task, method, planned_memory,
};
use nasmyth_supernet::sanity::{to_leave_out, useless_options};
use nasmyth_train::TrainError;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Share of the time for searching that the super-network is trained for; the rest is for judging networks with its weights.
const TRAINING_SHARE: f64 = 0.75;

/// Without a clock, the super-network is trained as long as so many networks in the end: its weights serve all of them.
const TIMES_FINAL: f64 = 4.0;

/// Time between two checkpoints.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// Remarks on the progress of a training.
const REMARKS: u64 = 10;

/// One super-network in place of a training for each trial.
///
/// ```
/// use nasmyth::Request;
///
/// let request = Request::parse(
///     r#"
///     strategy = "few-shot"
///     data = { path = "builtin:mnist1d" }
///     supernet = { epochs = 20.0, settings = { calibration = 4 } }
///     "#,
/// )?;
/// let config = request.resolve(&request.data()?.open(0)?)?;
/// let supernet = config.supernet.unwrap_or_else(|| unreachable!());
/// assert_eq!((supernet.method.as_str(), supernet.settings.calibration), ("few-shot", 4));
/// assert_eq!((config.strategy.name.as_str(), config.scheduler.name.as_str()), ("regularized-evolution", "none"));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupernetConfig {
    /// The method that the settings are those of, unless they say otherwise (`nasmyth list strategies`).
    pub method: String,
    /// Passes over the training data, all sub-networks together.
    pub epochs: f64,
    /// What becomes of options that do nothing.
    #[serde(default)]
    pub operators: OperatorCheck,
    /// Options that the space is searched without, each `path=value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// How it is trained and judged.
    pub settings: OneShot,
}

/// What becomes of options that a check before the search finds to do nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperatorCheck {
    /// There is no check.
    #[default]
    Off,
    /// They are named.
    Report,
    /// They are named, and the space is searched without them.
    Reject,
}

impl SupernetConfig {
    /// The method of this name, if there is one; `final_epochs` is how long a network is trained in the end.
    pub(crate) fn of(name: &str, final_epochs: f64) -> Option<Self> {
        let method = method(name)?;
        let settings = (method.settings)();
        let (operators, left_out) = (OperatorCheck::default(), Vec::new());
        Some(Self {
            method: name.to_owned(),
            epochs: TIMES_FINAL * final_epochs,
            operators,
            left_out,
            settings,
        })
    }

    /// Looks for options that do nothing; what is found, in words.
    pub(crate) fn check_operators(&mut self, task: Task<'_>, engine: &Engine) -> Result<Vec<String>> {
        if self.operators == OperatorCheck::Off {
            return Ok(Vec::new());
        }
        let useless = useless_options(task, engine, &StopFlag::new())?;
        let mut texts: Vec<String> = useless.iter().map(|option| format!("warning   {option}")).collect();
        if self.operators == OperatorCheck::Reject {
            let left_out = to_leave_out(task.space, &useless);
            texts.extend(left_out.iter().map(|option| format!("space     left out {option}")));
            self.left_out.extend(left_out);
        }
        Ok(texts)
    }

    pub(crate) fn check(&self, scheduler: &str, external: bool) -> Result<()> {
        if !(self.epochs.is_finite() && self.epochs > 0.0) {
            bail!("supernet.epochs: expected a number above 0, got {}", self.epochs);
        }
        if method(&self.method).is_none() {
            bail!(
                "supernet.method: expected a one-shot method (`nasmyth list strategies`), got `{}`",
                self.method
            );
        }
        if scheduler != "none" {
            bail!(
                "scheduler: `{}` answers each network once, with inherited weights: expected `none`, got `{scheduler}`",
                self.method
            );
        }
        if external {
            bail!(
                "`{}` estimates networks with inherited weights: leave out --estimator, or the strategy",
                self.method
            );
        }
        Ok(())
    }

    /// The epochs that a share of the time for searching allows, measured; the time that is left for the search.
    pub(crate) fn plan(
        &mut self,
        task: Task<'_>,
        engine: &Engine,
        search: Duration,
        fixed: bool,
    ) -> Result<Duration> {
        let mut supernet = Supernet::new(task, &self.settings, engine)?;
        let step = supernet.measure_step(Duration::from_secs(1))?;
        let shrinking = supernet.shrinking_steps();
        if !fixed {
            let steps = (TRAINING_SHARE * search.as_secs_f64() / step).max(1.0) as u64;
            // Where shrinking would take more than half of it, the training itself comes first.
            self.epochs = supernet.epochs_in(steps.saturating_sub(shrinking).max(steps.div_ceil(2)));
        }
        let steps = supernet.steps_in(self.epochs) + shrinking;
        let training = Duration::from_secs_f64(step * steps as f64);
        Ok(search.saturating_sub(training).max(search.mul_f64((1.0 - TRAINING_SHARE) / 2.0)))
    }

    /// Refuses what does not fit into memory.
    pub(crate) fn check_memory(&self, task: Task<'_>, engine: &Engine) -> Result<(), OneShotError> {
        let supernet = Supernet::new(task, &self.settings, engine)?;
        planned_memory(task, &self.settings, supernet.steps_in(self.epochs), engine).map(drop)
    }
}

/// A super-network of a run that is to be trained.
pub(crate) struct Training<'a> {
    pub config: &'a SupernetConfig,
    pub task: Task<'a>,
    pub engine: &'a Engine,
    pub folder: &'a RunFolder,
    /// What the training is a function of beside task and settings.
    pub context: String,
}

impl<'a> Training<'a> {
    /// Trains, from the checkpoint of an earlier process if there is one; nothing if it was interrupted. Also the time that earlier
    /// processes spent.
    pub fn run(
        &self,
        admit: Admit<'a>,
        load: Load<'a>,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<(Supernet<'a>, Duration)>> {
        let path = self.folder.checkpoints().join("supernet.bank");
        let mut supernet =
            Supernet::new(self.task, &self.config.settings, self.engine)?.among(admit).bounded(load);
        if path.exists() {
            supernet.restore(&path, &self.context).with_context(|| path.display().to_string())?;
        }
        let before = Duration::from_secs_f64(supernet.seconds());
        let steps = supernet.steps_in(self.config.epochs);
        let mut saved = Instant::now();
        let (mut failed, mut told) = (None, 0);
        let mut observe = |supernet: &Supernet, at: nasmyth_train::Progress| {
            let share = at.step * REMARKS / steps;
            if share > told {
                let text = format!("supernet  step {} of {steps}, loss {:.3}", at.step, at.loss);
                observer.notice(&Notice::Remark { text });
                told = share;
            }
            if saved.elapsed() >= CHECKPOINT_EVERY && failed.is_none() {
                failed = supernet.save(&path, &self.context).err();
                saved = Instant::now();
            }
        };
        let result = supernet.run(steps, stop, &mut observe);
        supernet.save(&path, &self.context)?;
        match (result, failed) {
            (Err(OneShotError::Train(TrainError::Interrupted)), _) => Ok(None),
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(error)) => Err(error.into()),
            (Ok(()), None) => {
                if let Some(recipe) = supernet.favourite_recipe() {
                    let (rate, decay) = (recipe.learning_rate, recipe.weight_decay);
                    let text = format!(
                        "policy    learning rate {rate} and weight decay {decay} are the likeliest: set them under [recipe] to train with them"
                    );
                    observer.notice(&Notice::Remark { text });
                }
                let left_out = supernet.left_out().len();
                if left_out > 0 {
                    let text = format!("space     shrunk: the search goes on without {left_out} options");
                    observer.notice(&Notice::Remark { text });
                }
                Ok(Some((supernet, before)))
            }
        }
    }
}
