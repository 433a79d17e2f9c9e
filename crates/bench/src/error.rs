//! What can be wrong with a table, a task or a comparison.

use nasmyth_space::SpaceError;
use nasmyth_strategy::StrategyError;
use std::path::PathBuf;
use thiserror::Error;

/// A table that cannot be read or written, or a comparison that cannot be made.
#[derive(Debug, Error)]
pub enum BenchError {
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A file whose content is not what it should be.
    #[error("{}{}: expected {expected}, got {got}", path.display(), line.map_or(String::new(), |l| format!(", line {l}")))]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1, in text files.
        line: Option<u64>,
        /// What should be there.
        expected: String,
        /// What is there.
        got: String,
    },
    /// A table that does not come with Nasmyth.
    #[error("no table `builtin:{got}`{}; there is {known}", nearest.map_or(String::new(), |n| format!(": did you mean `builtin:{n}`?")))]
    Builtin {
        /// The name asked for.
        got: String,
        /// The name that looks most like it.
        nearest: Option<&'static str>,
        /// All names.
        known: String,
    },
    /// A task that the table does not have.
    #[error("table `{table}` has no task `{got}`{}; it has {known}", nearest.as_ref().map_or(String::new(), |n| format!(": did you mean `{n}`?")))]
    Task {
        /// The table.
        table: String,
        /// The task asked for.
        got: String,
        /// The task that looks most like it.
        nearest: Option<String>,
        /// Its tasks.
        known: String,
    },
    /// A space of the table that cannot be made.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// A strategy that failed.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A comparison of nothing.
    #[error("{what}: expected {expected}, got {got}")]
    Contest {
        /// Which part.
        what: &'static str,
        /// What it may be.
        expected: String,
        /// What it was.
        got: String,
    },
}

impl BenchError {
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
