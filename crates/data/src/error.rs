//! Everything that can be wrong with data, each error saying what, where, expected, got and what to do.

use crate::features::Features;
use std::path::PathBuf;
use thiserror::Error;

/// Why data could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// Nothing is at the path.
    #[error("{path}: no such file or folder; check the path, or use builtin:NAME")]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// No format recognises the path.
    #[error("{path}: not recognised as a dataset ({found}); known formats: {formats}")]
    UnknownFormat {
        /// The path as given.
        path: PathBuf,
        /// What is there.
        found: String,
        /// Names of all formats.
        formats: String,
    },
    /// There is no dataset of that name in the program.
    #[error("builtin:{name} does not exist; known: {known}")]
    UnknownBuiltin {
        /// The name asked for.
        name: String,
        /// Names that exist.
        known: String,
    },
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// There is no data.
    #[error("{path}: empty, expected {expected}")]
    Empty {
        /// The file or folder.
        path: PathBuf,
        /// What should be there.
        expected: String,
    },
    /// The file ends too early.
    #[error(
        "{path}: ends too early in {place}: expected {expected}, got {got}; the file is incomplete, fetch it again"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What was being read.
        place: String,
        /// What should have followed.
        expected: String,
        /// What followed.
        got: String,
    },
    /// The content breaks the format's rules.
    #[error("{path}: {place}: expected {expected}, got {got}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Line, row, byte or part.
        place: String,
        /// What the format asks for, and what to do.
        expected: String,
        /// What is there.
        got: String,
    },
    /// A size beyond what can be handled.
    #[error("{path}: {what} is {got}, the largest supported is {limit}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The quantity.
        what: String,
        /// Its value.
        got: u64,
        /// Its bound.
        limit: u64,
    },
    /// A correct file that uses something that is not supported.
    #[error("{path}: {what} is not supported; {advice}")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The feature.
        what: String,
        /// The way round it.
        advice: String,
    },
    /// NaN, infinity, or a number that is too large for 32 bits.
    #[error(
        "{path}: row {row}, column {column}: {value} is not a finite number; leave the field empty if it is missing"
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Line of a text file, else sample number; the first is 1.
        row: u64,
        /// Column name, or 0-based position in the sample.
        column: String,
        /// The value.
        value: String,
    },
    /// A row with another number of fields than those before.
    #[error(
        "{path}: line {line}: expected {expected} fields, got {got}; quote fields that hold the separator"
    )]
    Ragged {
        /// The file.
        path: PathBuf,
        /// Line, the first is 1.
        line: u64,
        /// Fields of the first row.
        expected: usize,
        /// Fields of this row.
        got: usize,
    },
    /// Images that differ in size.
    #[error(
        "images differ in size: {first} is {first_size}, {second} is {second_size}; resize them to one size"
    )]
    SizeMismatch {
        /// The first image.
        first: PathBuf,
        /// Its size, height x width x channels.
        first_size: String,
        /// The image that differs.
        second: PathBuf,
        /// Its size.
        second_size: String,
    },
    /// The target column does not exist.
    #[error("{path}: no column '{target}'{}; columns: {columns}", hint(.nearest))]
    NoTarget {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        target: String,
        /// The most similar name.
        nearest: Option<String>,
        /// All names.
        columns: String,
    },
    /// Columns that the network needs are not there.
    #[error("{path}: missing columns: {columns}; the network was trained with them")]
    MissingColumns {
        /// The file.
        path: PathBuf,
        /// Their names.
        columns: String,
    },
    /// A class that was not seen in training.
    #[error("{path}: row {row}: label '{label}' was not seen in training; known: {classes}")]
    UnseenLabel {
        /// The file.
        path: PathBuf,
        /// Sample number, the first is 1.
        row: u64,
        /// The label.
        label: String,
        /// Classes of the training data.
        classes: String,
    },
    /// Samples without a label.
    #[error("{path}: sample {row} has no label, and training needs one for each sample")]
    NoLabel {
        /// The file.
        path: PathBuf,
        /// Sample number, the first is 1.
        row: u64,
    },
    /// A label that is not a number, where the task is regression.
    #[error("{path}: row {row}: target '{label}' is not a number, and the task is regression")]
    TextTarget {
        /// The file.
        path: PathBuf,
        /// Sample number, the first is 1.
        row: u64,
        /// The label.
        label: String,
    },
    /// Fewer than two classes.
    #[error("{path}: every sample has the label '{class}'; classification needs at least two classes")]
    OneClass {
        /// The file.
        path: PathBuf,
        /// The only class.
        class: String,
    },
    /// Too few samples to split.
    #[error("{path}: {got} samples cannot be split: {reason}; add samples")]
    TooFewSamples {
        /// The file.
        path: PathBuf,
        /// Samples there are.
        got: usize,
        /// Which part would be empty.
        reason: String,
    },
    /// Data of another kind than the network was trained on.
    #[error("{path}: the network was trained on {expected}, this is {got}")]
    Incompatible {
        /// The file.
        path: PathBuf,
        /// Features in training.
        expected: Features,
        /// Features of this file.
        got: Features,
    },
    /// A fraction out of range.
    #[error("{name} is {value}, expected a number from 0 to below 1")]
    BadFraction {
        /// The option.
        name: &'static str,
        /// Its value.
        value: f64,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!(", did you mean '{name}'?")).unwrap_or_default()
}

impl DataError {
    /// Wraps a system error met in the file at `path`; an unexpected end becomes [`DataError::Truncated`].
    pub(crate) fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::truncated(path, "the data", "more bytes", "the end"),
            std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => Self::corrupt(
                path,
                "compressed data",
                "a valid stream; fetch the file again",
                source.to_string(),
            ),
            _ => Self::Io { path, source },
        }
    }

    pub(crate) fn corrupt(
        path: impl Into<PathBuf>,
        place: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self::Corrupt { path: path.into(), place: place.into(), expected: expected.into(), got: got.into() }
    }

    pub(crate) fn truncated(
        path: impl Into<PathBuf>,
        place: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self::Truncated { path: path.into(), place: place.into(), expected: expected.into(), got: got.into() }
    }

    pub(crate) fn empty(path: impl Into<PathBuf>, expected: impl Into<String>) -> Self {
        Self::Empty { path: path.into(), expected: expected.into() }
    }

    pub(crate) fn unsupported(
        path: impl Into<PathBuf>,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::Unsupported { path: path.into(), what: what.into(), advice: advice.into() }
    }
}
