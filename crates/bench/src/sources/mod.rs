//! The file formats that tables are imported from, one per file. [`SOURCES`] is the only list of them.

mod comma_separated;
mod nas_bench_macro;

use crate::{BenchError, ImportOptions, Rows};
use std::path::Path;

/// A file format.
pub struct Source {
    /// Name on the command line.
    pub name: &'static str,
    /// One sentence for people.
    pub doc: &'static str,
    /// Whether the first bytes (after decompression) look like it.
    pub detect: fn(&str) -> bool,
    /// Reads the text of a file.
    pub read: fn(&Path, &str, &ImportOptions) -> Result<Rows, BenchError>,
}

/// Every file format; the first that recognises a file reads it.
pub static SOURCES: &[Source] = &[nas_bench_macro::SOURCE, comma_separated::SOURCE];
