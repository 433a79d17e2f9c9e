//! The spaces that come with Nasmyth, one per file. [`PRESETS`] is the only list of them.

pub mod cell;
mod conv1d;
mod mlp;
mod mobile;

use crate::error::nearest;
use crate::{Context, Reader, Shape, Space, SpaceError, from_toml};
use nasmyth_graph::ops::Function;

/// A space that adapts to the data.
pub struct Preset {
    /// Name on the command line and in files.
    pub name: &'static str,
    /// What is in it, in a sentence.
    pub doc: &'static str,
    /// The space for this data.
    pub build: fn(&Context) -> Result<Space, SpaceError>,
}

/// Every preset.
pub static PRESETS: &[Preset] = &[mobile::PRESET, cell::PRESET, conv1d::PRESET, mlp::PRESET];

/// The space called `name` for this data: a preset, `auto` (by the shape of the data: `mobile` for images, `conv1d` for series,
/// `mlp` for tables), or the path of a TOML file.
///
/// # Errors
/// An unknown name (with the nearest known one), a file that cannot be read or does not define a space, or data that the
/// space is not for.
pub fn preset(name: &str, context: &Context) -> Result<Space, SpaceError> {
    context.check()?;
    if name.ends_with(".toml") {
        let unreadable =
            |e: std::io::Error| SpaceError::File { path: name.to_owned(), message: e.to_string() };
        return from_toml(&std::fs::read_to_string(name).map_err(unreadable)?, context);
    }
    let wanted = match (name, context.shape()?) {
        ("auto", Shape::Image) => "mobile",
        ("auto", Shape::Series) => "conv1d",
        ("auto", Shape::Table) => "mlp",
        _ => name,
    };
    let known = || PRESETS.iter().map(|p| p.name);
    let preset = PRESETS.iter().find(|p| p.name == wanted).ok_or_else(|| SpaceError::UnknownSpace {
        name: name.to_owned(),
        nearest: nearest(name, known()),
        known: known().collect::<Vec<_>>().join(", "),
    })?;
    (preset.build)(context)
}

/// An error that says which data a preset is for.
pub(crate) fn only_for(preset: &str, data: &str, context: &Context) -> SpaceError {
    SpaceError::Context {
        field: "input",
        expected: format!("{data} for space `{preset}` (`auto` picks a space that fits)"),
        got: format!("{:?}", context.input),
    }
}

/// The activation that a gene names.
pub(crate) fn function(genes: &Reader<'_>, path: &str) -> Result<Function, SpaceError> {
    let name = genes.word(path)?;
    Function::from_name(&name).ok_or_else(|| SpaceError::Gene {
        path: path.to_owned(),
        expected: format!("one of {}", Function::ALL.map(Function::name).join(", ")),
        got: name,
    })
}
