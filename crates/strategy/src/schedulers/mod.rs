//! Every scheduler, one a file.

mod asha;
mod brackets;
mod curve;
mod full;
mod hyperband;
mod ladder;
mod successive_halving;

pub use asha::Asha;
pub use curve::Curve;
pub use full::Full;

use crate::error::nearest;
use crate::{Scheduler, SettingKind, Settings, StrategyError};

/// A scheduler by name.
#[derive(Debug)]
pub struct SchedulerKind {
    /// Name in configuration files and on the command line.
    pub name: &'static str,
    /// One line for `--help`.
    pub doc: &'static str,
    /// What can be set.
    pub settings: &'static [SettingKind],
    /// Makes it from valid settings and the epochs of the full effort.
    pub build: fn(&Settings, f64) -> Box<dyn Scheduler>,
}

/// All schedulers. To add one: write its file and add its line.
pub static SCHEDULERS: &[SchedulerKind] =
    &[full::KIND, successive_halving::KIND, hyperband::KIND, asha::KIND, curve::KIND];

impl SchedulerKind {
    /// Makes the scheduler; `epochs` is the full effort.
    ///
    /// # Errors
    /// Settings that it does not have or that are out of range.
    pub fn make(&self, settings: &toml::Table, epochs: f64) -> Result<Box<dyn Scheduler>, StrategyError> {
        Ok((self.build)(&Settings::resolve(self.name, self.settings, settings)?, epochs))
    }
}

/// The scheduler with this name.
///
/// # Errors
/// There is none; the error names the nearest and all others.
pub fn scheduler_named(name: &str) -> Result<&'static SchedulerKind, StrategyError> {
    let names = || SCHEDULERS.iter().map(|kind| kind.name);
    SCHEDULERS.iter().find(|kind| kind.name == name).ok_or_else(|| StrategyError::Unknown {
        what: "scheduler",
        got: name.to_owned(),
        nearest: nearest(name, names()),
        known: names().collect::<Vec<_>>().join(", "),
    })
}
