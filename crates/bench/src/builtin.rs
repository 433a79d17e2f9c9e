//! Tables that come with Nasmyth. [`BUILTIN`] is the only list of them.

use crate::BenchError;

/// Begins the name of a table of this list where a file could stand.
pub(crate) const PREFIX: &str = "builtin:";

/// A table that comes with Nasmyth.
#[derive(Debug)]
pub struct Builtin {
    /// Name after `builtin:`.
    pub name: &'static str,
    /// One sentence for people.
    pub doc: &'static str,
    /// A compressed table.
    pub(crate) bytes: &'static [u8],
}

/// Every table that comes with Nasmyth.
pub static BUILTIN: &[Builtin] = &[Builtin {
    name: "cells1d",
    doc: "All 15,625 cells of NAS-Bench-201's topology, trained on MNIST-1D with their learning curves.",
    bytes: include_bytes!("../data/cells1d.table.gz"),
}];

/// The table with this name.
///
/// # Errors
/// There is none; the error names the nearest and all others.
pub(crate) fn builtin(name: &str) -> Result<&'static Builtin, BenchError> {
    let names = || BUILTIN.iter().map(|b| b.name);
    BUILTIN.iter().find(|b| b.name == name).ok_or_else(|| BenchError::Builtin {
        got: name.to_owned(),
        nearest: names().max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name))),
        known: names().collect::<Vec<_>>().join(", "),
    })
}
