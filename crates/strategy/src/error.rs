//! What can be wrong with a strategy or a scheduler.

use thiserror::Error;

/// A strategy or scheduler that cannot be built or cannot go on.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum StrategyError {
    /// No such strategy or scheduler.
    #[error("there is no {what} `{got}`{}; choose one of {known}", did_you_mean(nearest))]
    Unknown {
        /// `strategy` or `scheduler`.
        what: &'static str,
        /// The name that was given.
        got: String,
        /// The closest name.
        nearest: Option<String>,
        /// All names.
        known: String,
    },
    /// No such setting.
    #[error("`{owner}` has no setting `{got}`{}; it has {known}", did_you_mean(nearest))]
    UnknownSetting {
        /// The strategy or scheduler.
        owner: String,
        /// The setting that was given.
        got: String,
        /// The closest setting.
        nearest: Option<String>,
        /// All settings.
        known: String,
    },
    /// A setting of the wrong type or out of range.
    #[error("setting `{setting}` of `{owner}`: expected {expected}, got {got}")]
    Setting {
        /// The strategy or scheduler.
        owner: String,
        /// The setting.
        setting: String,
        /// Type and range.
        expected: String,
        /// What was given.
        got: String,
    },
    /// A strategy of the user's failed.
    #[error("the strategy failed: {0}")]
    Failed(String),
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!(", did you mean `{name}`?")).unwrap_or_default()
}

/// The name that is close enough to be a slip of `got`.
pub(crate) fn nearest<'a>(got: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let distance = |name: &&str| strsim::damerau_levenshtein(got, name);
    names.min_by_key(distance).filter(|name| distance(name) <= name.len().div_ceil(3)).map(str::to_owned)
}
