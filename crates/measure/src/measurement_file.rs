//! Measurements of many networks on one device, kept as they come.

use crate::{Outcome, Setting, Target, TargetError};
use nasmyth_graph::{VerifiedGraph, parse};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// The version that this program writes and reads.
const VERSION: u32 = 1;

/// A file that grows: JSON lines, first the [`Setting`], then a network with its outcome on each. It is whole after every line, so
/// work that was cut off goes on where it stood. One process at a time writes to it.
///
/// ```
/// use nasmyth_measure::{Local, MeasurementFile, Options, Runtime, Target};
/// use std::{ops::ControlFlow, time::Duration};
///
/// let networks = [nasmyth_graph::parse("graph g\nx = input(shape=[8])\ny = linear(x, out=3)\noutput y\n")?];
/// let device = Local::new(Runtime::find("plan")?, Options::default())?;
/// let folder = tempfile::tempdir()?;
/// let mut file = MeasurementFile::open(&folder.path().join("this.jsonl"), device.setting())?;
/// file.complete(&device, &networks, Duration::from_millis(5), &mut |_, _| ControlFlow::Continue(()))?;
/// assert!(file.outcome(&networks[0]).and_then(|o| o.measurement()).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MeasurementFile {
    path: PathBuf,
    file: File,
    entries: Vec<Entry>,
    /// Index of the entry by the network's canonical hash.
    index: BTreeMap<u128, usize>,
}

/// A network and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Text form of the network.
    pub architecture: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    setting: Setting,
}

/// Why measurements cannot be kept, or not be had.
#[derive(Debug, Error)]
pub enum MeasurementFileError {
    /// The file system says no.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// Another process has it.
    #[error("{0}: another process is measuring into this file: wait for its end, or use another file")]
    Busy(PathBuf),
    /// Not what this program writes.
    #[error("{path}, line {line}: expected {expected}: {reason}; use another file, or remove this one")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What should be there.
        expected: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Measurements that do not compare with new ones.
    #[error("{path} holds measurements of {theirs}, expected {ours}: use another file")]
    Setting {
        /// The file.
        path: PathBuf,
        /// Of the file.
        theirs: Box<Setting>,
        /// Of the device.
        ours: Box<Setting>,
    },
    /// The device fails; what it measured before is in the file.
    #[error("{left} of {total} networks are yet to be measured, the others are in {path}: {error}")]
    Target {
        /// The file.
        path: PathBuf,
        /// Networks without outcome.
        left: usize,
        /// Networks that were asked for.
        total: usize,
        /// The reason.
        error: TargetError,
    },
}

impl MeasurementFile {
    /// Opens the file, or begins it where there is none. A last line that was cut off is removed.
    ///
    /// # Errors
    /// A file that cannot be written, belongs to another process or [`Setting`], or is no such file.
    pub fn open(path: &Path, setting: &Setting) -> Result<Self, MeasurementFileError> {
        let failed = |error| MeasurementFileError::Io { path: path.to_owned(), error };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(MeasurementFileError::Busy(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let text = whole_lines(&mut file).map_err(failed)?;
        let mut this = Self { path: path.to_owned(), file, entries: Vec::new(), index: BTreeMap::new() };
        match text.split_once('\n') {
            None => this.write(&Head { version: VERSION, setting: setting.clone() })?,
            Some((head, entries)) => {
                this.check(head, setting)?;
                entries.lines().enumerate().try_for_each(|(i, text)| this.read(i + 2, text))?;
            }
        }
        Ok(this)
    }

    fn check(&self, head: &str, ours: &Setting) -> Result<(), MeasurementFileError> {
        let expected = "the first line of a file of measurements, version 1";
        let head: Head =
            serde_json::from_str(head).map_err(|error| self.broken(1, expected, error.to_string()))?;
        if head.version != VERSION {
            return Err(self.broken(1, expected, format!("got version {}", head.version)));
        }
        if head.setting != *ours {
            let (theirs, ours) = (Box::new(head.setting), Box::new(ours.clone()));
            return Err(MeasurementFileError::Setting { path: self.path.clone(), theirs, ours });
        }
        Ok(())
    }

    fn read(&mut self, line: usize, text: &str) -> Result<(), MeasurementFileError> {
        let broken = |reason| self.broken(line, "a network and its outcome", reason);
        let entry: Entry = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
        let network = parse(&entry.architecture).map_err(|error| broken(error.to_string()))?;
        self.keep(&network, entry);
        Ok(())
    }

    fn broken(&self, line: usize, expected: &'static str, reason: String) -> MeasurementFileError {
        MeasurementFileError::Line { path: self.path.clone(), line, expected, reason }
    }

    fn keep(&mut self, network: &VerifiedGraph, entry: Entry) {
        self.index.insert(network.canonical_hash(), self.entries.len());
        self.entries.push(entry);
    }

    /// In one piece, so that a line is there or not.
    fn write(&mut self, line: &impl Serialize) -> Result<(), MeasurementFileError> {
        let written = serde_json::to_string(line)
            .map_err(io::Error::from)
            .and_then(|text| self.file.write_all(format!("{text}\n").as_bytes()));
        written.map_err(|error| MeasurementFileError::Io { path: self.path.clone(), error })
    }

    /// In the order of time.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What came of a network, or of an equal one.
    pub fn outcome(&self, network: &VerifiedGraph) -> Option<&Outcome> {
        self.index.get(&network.canonical_hash()).map(|&i| &self.entries[i].outcome)
    }

    /// Measures what is not here yet, in order, for about `time` each. `told` hears of each new outcome, with the index of its
    /// network, and may break off.
    ///
    /// # Errors
    /// The device or the file fails; what was measured before is kept.
    pub fn complete(
        &mut self,
        target: &dyn Target,
        networks: &[VerifiedGraph],
        time: Duration,
        told: &mut dyn FnMut(usize, &Outcome) -> ControlFlow<()>,
    ) -> Result<(), MeasurementFileError> {
        let missing = self.missing(networks);
        let todo: Vec<&VerifiedGraph> = missing.iter().map(|&i| &networks[i]).collect();
        if todo.is_empty() {
            return Ok(());
        }
        let (path, total) = (self.path.clone(), networks.len());
        let failed = |left, error| MeasurementFileError::Target { path: path.clone(), left, total, error };
        let outcomes = target.measure(&todo, time).map_err(|error| failed(todo.len(), error))?;
        for (done, (&i, outcome)) in missing.iter().zip(outcomes).enumerate() {
            let outcome = outcome.map_err(|error| failed(todo.len() - done, error))?;
            let entry = Entry { architecture: networks[i].to_text(), outcome };
            self.write(&entry)?;
            let flow = told(i, &entry.outcome);
            self.keep(&networks[i], entry);
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The first of each kind of equal networks that have no outcome.
    fn missing(&self, networks: &[VerifiedGraph]) -> Vec<usize> {
        let mut seen = BTreeMap::new();
        for (i, network) in networks.iter().enumerate() {
            let hash = network.canonical_hash();
            if !self.index.contains_key(&hash) {
                seen.entry(hash).or_insert(i);
            }
        }
        let mut missing: Vec<usize> = seen.into_values().collect();
        missing.sort_unstable();
        missing
    }
}

/// Everything up to the last end of a line; the rest is cut off.
fn whole_lines(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    if whole < bytes.len() {
        file.set_len(whole as u64)?;
        bytes.truncate(whole);
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
