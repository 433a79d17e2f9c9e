//! Where the log is kept: two operations.

use crate::Record;
use std::path::PathBuf;
use thiserror::Error;

/// Version of the log that this program writes.
pub const SCHEMA: u32 = 1;

/// An append-only log.
pub trait Store: Send {
    /// Adds a record. When this returns, the record survives the death of the process.
    ///
    /// # Errors
    /// The record was not added, and nothing else was lost.
    fn append(&mut self, record: &Record) -> Result<(), StoreError>;

    /// All records with this sequence number and higher, in order.
    ///
    /// # Errors
    /// The log cannot be read.
    fn read_since(&self, sequence: u64) -> Result<Vec<Record>, StoreError>;
}

/// A log that cannot be written or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Written by a newer version.
    #[error(
        "{} has version {found} of the log, this program knows versions up to {SCHEMA}: use a newer program",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// Something else, or damaged.
    #[error("{} is not a sound log: {detail}. Restore the file from a copy, or begin a new run", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// No space left.
    #[error(
        "the disk with {} is full: free some space and resume the run; all that was recorded so far is kept",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Another failure of the file or its file system.
    #[error("{}: {detail}", path.display())]
    Access {
        /// The file.
        path: PathBuf,
        /// What was said.
        detail: String,
    },
}
