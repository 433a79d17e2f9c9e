//! The runner as a file on this machine.

use super::{Architecture, RemoteError};
use crate::protocol::hash;
use std::path::{Path, PathBuf};

/// A runner that is ready to be copied.
pub struct RunnerFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is built for.
    pub architecture: &'static Architecture,
    /// Its content.
    pub(crate) bytes: Vec<u8>,
    /// [`hash`] of it.
    pub hash: String,
}

impl RunnerFile {
    /// The file at `path`.
    ///
    /// # Errors
    /// It cannot be read, or is a program for machines of another kind.
    pub fn open(path: &Path, architecture: &'static Architecture) -> Result<Self, RemoteError> {
        let wrong = |reason| RemoteError::RunnerFile { path: path.to_owned(), reason };
        let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        match Architecture::of_program(&bytes) {
            Some(other) if other != architecture => {
                Err(wrong(format!("it is for {}, and the device is {}", other.name, architecture.name)))
            }
            _ => Ok(Self { path: path.to_owned(), architecture, hash: hash(&bytes), bytes }),
        }
    }

    /// Looks for `nasmyth-runner-NAME` in the folders; beside each also where Cargo leaves it, if the folder is one of Cargo's own
    /// (`target/release`).
    ///
    /// # Errors
    /// There is none; the message has the command that builds it.
    pub fn find(folders: &[PathBuf], architecture: &'static Architecture) -> Result<Self, RemoteError> {
        let built = Path::new("..").join(architecture.target).join("runner/nasmyth-runner");
        let places = folders.iter().flat_map(|folder| {
            [folder.join(format!("nasmyth-runner-{}", architecture.name)), folder.join(&built)]
        });
        match places.clone().find(|place| place.is_file()) {
            Some(path) => Self::open(&path, architecture),
            None => Err(RemoteError::NoRunner { architecture, places: places.collect() }),
        }
    }

    /// Bytes of the file.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}
