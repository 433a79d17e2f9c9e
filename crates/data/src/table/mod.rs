//! Tables: rows of numbers and categories with missing values, whatever file they come from.
//!
//! A table is read twice: the first pass finds the type of each column and the labels, the second fills the store.
//! The source is never held in memory.

mod encoder;
mod load;
mod profile;

use crate::error::DataError;
use std::borrow::Cow;
use std::path::Path;

pub(crate) use encoder::{Encoder, features};
pub(crate) use load::{RawTable, read, read_like};

/// One field of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Missing,
    /// A number of a typed source; may be NaN or infinite.
    Number(f64),
    /// A text, which may read as a number.
    Text(Cow<'a, str>),
}

/// A row that gives its fields by position.
pub trait Record {
    /// The field at `column`, below the number of columns of the table.
    fn cell(&self, column: usize) -> Cell<'_>;
}

/// Called with the line (or row, from 1) and the fields of each row.
pub type Visitor<'v> = dyn FnMut(u64, &dyn Record) -> Result<(), DataError> + 'v;

/// A table that can be read more than once.
pub trait Rows {
    /// The file.
    fn path(&self) -> &Path;
    /// Column names; their 0-based positions as text when the file names none.
    fn columns(&self) -> &[String];
    /// Whether the file names its columns.
    fn has_header(&self) -> bool;
    /// Calls `visitor` for each row in order, and stops at the first error.
    fn visit(&self, visitor: &mut Visitor<'_>) -> Result<(), DataError>;
}

/// What a cell says when it is read as a number.
pub(crate) enum Reading {
    Missing,
    Finite(f32),
    NotFinite,
    Text,
}

impl Cell<'_> {
    /// Makes a cell of a text field: trimmed, with the usual marks for missing values.
    pub fn of_text(text: Cow<'_, str>) -> Cell<'_> {
        match text.trim() {
            "" | "?" | "NA" | "N/A" | "null" | "None" => Cell::Missing,
            trimmed if trimmed.len() == text.len() => Cell::Text(text),
            trimmed => Cell::Text(Cow::Owned(trimmed.to_string())),
        }
    }

    pub(crate) fn reading(&self) -> Reading {
        let number = match self {
            Cell::Missing => return Reading::Missing,
            Cell::Number(value) => Some(*value),
            Cell::Text(text) => text.parse::<f64>().ok(),
        };
        match number {
            None => Reading::Text,
            Some(value) if (value as f32).is_finite() => Reading::Finite(value as f32),
            Some(_) => Reading::NotFinite,
        }
    }

    /// The cell as a category or class; `None` when missing.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Cell::Missing => None,
            Cell::Number(value) => Some(Cow::Owned(value.to_string())),
            Cell::Text(text) => Some(Cow::Borrowed(text)),
        }
    }
}
