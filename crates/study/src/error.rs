//! What can go wrong with a run.

use crate::StoreError;
use nasmyth_space::SpaceError;
use nasmyth_strategy::StrategyError;
use std::path::PathBuf;
use thiserror::Error;

/// A run that cannot begin or go on.
#[derive(Debug, Error)]
pub enum StudyError {
    /// The configuration is out of range.
    #[error("{field}: expected {expected}, got {got}")]
    Config {
        /// The field.
        field: &'static str,
        /// Its range.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// The strategy or the scheduler.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is a run already.
    #[error("{} already holds a run: resume it, or choose another folder", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no run.
    #[error("{} holds no run (there is no `{}` in it): check the path", folder.display(), crate::STORE_FILE)]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// Another process uses the run folder.
    #[error("{} is in use by process {pid}: wait for it, or stop it", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// What the lock file names.
        pid: String,
    },
    /// The file system refused.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The run was made in another space.
    #[error(
        "the run searches space `{expected}`, got space `{got}`: resume it with the space that it was created with"
    )]
    Space {
        /// Name in the log.
        expected: String,
        /// Name given.
        got: String,
    },
    /// Options to leave out that are not those of the log.
    #[error(
        "the run searches its space without {expected} options in {trials} trials so far, got {got} other options to leave out: resume it with what recorded it, or begin a new run"
    )]
    Narrowed {
        /// Options that the log leaves out.
        expected: usize,
        /// Trials in the log.
        trials: usize,
        /// Options given.
        got: usize,
    },
    /// Options that the space does not have.
    #[error(transparent)]
    Part(#[from] SpaceError),
    /// The log does not replay: trials come out differently.
    #[error(
        "trial {trial} of the log does not replay: recorded {recorded}, got {got}. The run was recorded by another \
         version, or the definition of its space changed; resume it with what recorded it, or begin a new run"
    )]
    Replay {
        /// The first trial that differs.
        trial: u64,
        /// What the log says.
        recorded: String,
        /// What comes out now.
        got: String,
    },
}
