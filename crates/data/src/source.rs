//! The place that data comes from, looked at once for detection.

use crate::error::DataError;
use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

const HEAD: u64 = 8192;

/// A file, a folder or the name of a generated dataset, with what detection needs.
pub struct Source {
    path: PathBuf,
    builtin: Option<String>,
    entries: Option<Vec<PathBuf>>,
    head: Vec<u8>,
}

impl Source {
    /// Looks at `path`, or at the generated dataset NAME of `builtin:NAME`. A missing or empty path is an error.
    pub fn new(path: &str) -> Result<Self, DataError> {
        if let Some(name) = path.strip_prefix("builtin:") {
            let builtin = Some(name.into());
            return Ok(Self { path: path.into(), builtin, entries: None, head: Vec::new() });
        }
        let path = PathBuf::from(path);
        let meta = fs::metadata(&path).map_err(|error| not_found(&path, error))?;
        if meta.is_dir() {
            let entries = Some(list(&path)?);
            return Ok(Self { path, builtin: None, entries, head: Vec::new() });
        }
        if meta.is_file() && meta.len() == 0 {
            return Err(DataError::empty(path, "data"));
        }
        let mut head = Vec::new();
        let read = unpacked(&path)?.take(HEAD).read_to_end(&mut head);
        read.map(|_| ())
            .or_else(|error| if head.is_empty() { Err(DataError::io(&path, error)) } else { Ok(()) })?;
        Ok(Self { path, builtin: None, entries: None, head })
    }

    /// The path as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of a generated dataset.
    pub fn builtin(&self) -> Option<&str> {
        self.builtin.as_deref()
    }

    /// Sorted entries of a folder, hidden ones left out; none for a file.
    pub fn entries(&self) -> &[PathBuf] {
        self.entries.as_deref().unwrap_or_default()
    }

    /// Whether this is a folder.
    pub fn is_folder(&self) -> bool {
        self.entries.is_some()
    }

    /// Whether this is a file.
    pub fn is_file(&self) -> bool {
        self.entries.is_none() && self.builtin.is_none()
    }

    /// The first 8 KiB of a file, unpacked when it is gzip.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Lower-case file name without `.gz`.
    pub fn file_name(&self) -> String {
        plain_name(&self.path)
    }

    /// A name for the dataset: the last part of the path without suffixes.
    pub fn name(&self) -> String {
        let file = self.builtin.clone().or_else(|| absolute_name(&self.path)).unwrap_or_default();
        let stem = if self.is_file() { file.split('.').next().unwrap_or(&file) } else { &file };
        stem.trim_end_matches("_TRAIN").trim_end_matches("_TEST").to_string()
    }
}

fn absolute_name(path: &Path) -> Option<String> {
    let full = path.canonicalize().ok()?;
    full.file_name().map(|name| name.to_string_lossy().into_owned())
}

fn not_found(path: &Path, error: io::Error) -> DataError {
    match error.kind() {
        io::ErrorKind::NotFound => DataError::NotFound { path: path.into() },
        _ => DataError::Io { path: path.into(), source: error },
    }
}

/// Lower-case file name without `.gz`.
pub(crate) fn plain_name(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.strip_suffix(".gz").map(str::to_string).unwrap_or(name)
}

/// Sorted visible entries of a folder.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let wrap = |source| DataError::Io { path: folder.into(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrap)? {
        let entry = entry.map_err(wrap)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    entries.sort();
    Ok(entries)
}

/// Opens a file for buffered reading, unpacking gzip by its magic number.
pub(crate) fn unpacked(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let wrap = |source| DataError::Io { path: path.into(), source };
    let mut magic = Vec::new();
    File::open(path)
        .map_err(|error| not_found(path, error))?
        .take(2)
        .read_to_end(&mut magic)
        .map_err(wrap)?;
    let file = File::open(path).map_err(wrap)?;
    Ok(match magic[..] {
        [0x1f, 0x8b] => {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(BufReader::new(file))))
        }
        _ => Box::new(BufReader::with_capacity(1 << 16, file)),
    })
}

/// Fills `row` with exactly `length` bytes, growing only as bytes arrive. `Ok(false)` at a clean end.
pub(crate) fn read_row(reader: &mut dyn Read, row: &mut Vec<u8>, length: usize) -> io::Result<bool> {
    row.clear();
    reader.take(length as u64).read_to_end(row)?;
    match row.len() {
        0 => Ok(false),
        got if got == length => Ok(true),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
