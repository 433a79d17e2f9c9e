//! File formats, one in each file. To add one, write its file and add it to [`FORMATS`].

mod cifar;
mod csv;
mod idx;
mod image_folder;
mod mnist1d;
mod npz;
mod parquet;
mod parts;
mod ucr;
mod uea;

use crate::error::DataError;
use crate::schema::Schema;
use crate::sink::Decoded;
use crate::source::Source;
use crate::table::Rows;

/// What to read.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Target column of a table, if it is given.
    pub target: Option<&'a str>,
    /// Bytes of samples to hold in memory.
    pub memory_limit: u64,
    /// The schema to follow, when the samples are for a network that exists. Then only the named file is read,
    /// not its siblings, and labels may be absent.
    pub like: Option<&'a Schema>,
}

/// What a format delivers.
pub enum Raw {
    /// Samples of one shape, decoded.
    Samples(Box<Decoded>),
    /// A table, still to be read.
    Table(Box<dyn Rows>),
}

/// A file format, or a generated dataset.
pub trait Format: Sync {
    /// Its name, unique.
    fn name(&self) -> &'static str;
    /// One sentence for the user: what files it reads.
    fn doc(&self) -> &'static str;
    /// Whether `source` looks like this format, by names and first bytes; cheap, and never wrong about a good file
    /// of another format that comes later in [`FORMATS`].
    fn detects(&self, source: &Source) -> bool;
    /// Reads the source.
    fn read(&self, source: &Source, request: &Request<'_>) -> Result<Raw, DataError>;
}

/// All formats, in the order of detection.
pub static FORMATS: &[&dyn Format] = &[
    &mnist1d::Mnist1d,
    &idx::Idx,
    &cifar::Cifar,
    &image_folder::ImageFolder,
    &ucr::Ucr,
    &uea::Uea,
    &npz::Npz,
    &parquet::Parquet,
    &csv::Csv,
];

/// The first format that recognises `source`.
pub(crate) fn detect(source: &Source) -> Result<&'static dyn Format, DataError> {
    if source.is_folder() && source.entries().is_empty() {
        return Err(DataError::empty(source.path(), "files"));
    }
    FORMATS.iter().copied().find(|format| format.detects(source)).ok_or_else(|| unknown(source))
}

fn unknown(source: &Source) -> DataError {
    if let Some(name) = source.builtin() {
        return DataError::UnknownBuiltin { name: name.into(), known: mnist1d::NAME.into() };
    }
    let found = match source.entries() {
        [] => {
            format!("a file that begins with the bytes {:02x?}", &source.head()[..source.head().len().min(8)])
        }
        entries => format!("a folder with {} entries, none of a known kind", entries.len()),
    };
    let formats = FORMATS.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
    DataError::UnknownFormat { path: source.path().into(), found, formats }
}
