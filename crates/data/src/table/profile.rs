//! The first pass over a table: types of columns.

use super::{Cell, Reading};
use crate::error::DataError;
use std::collections::HashSet;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// Most distinct texts of a category; a column with more carries no classes but identifiers or prose.
pub(crate) const MAX_CATEGORIES: usize = 1 << 16;
/// A column whose texts all differ is an identifier only if there are at least this many.
const MIN_IDENTIFIERS: u64 = 10;

/// What one column holds.
#[derive(Default)]
pub(crate) struct Profile {
    numbers: u64,
    texts: u64,
    first_text: Option<(u64, String)>,
    not_finite: Option<(u64, String)>,
    distinct: HashSet<u64>,
}

/// The use that a profile suggests for a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Number,
    Category,
    Nothing,
}

impl Profile {
    pub(crate) fn add(&mut self, line: u64, cell: &Cell<'_>) {
        match cell.reading() {
            Reading::Missing => {}
            Reading::Finite(_) => self.numbers += 1,
            Reading::NotFinite => {
                self.not_finite.get_or_insert_with(|| (line, owned(cell)));
            }
            Reading::Text => self.add_text(line, cell),
        }
    }

    fn add_text(&mut self, line: u64, cell: &Cell<'_>) {
        self.texts += 1;
        self.first_text.get_or_insert_with(|| (line, owned(cell)));
        if let (Some(text), true) = (cell.text(), self.distinct.len() <= MAX_CATEGORIES) {
            self.distinct.insert(xxh3_64(text.as_bytes()));
        }
    }

    /// Refuses NaN and infinity in a column of numbers.
    pub(crate) fn check(&self, column: &str, path: &Path) -> Result<(), DataError> {
        match &self.not_finite {
            Some((row, value)) if self.texts == 0 => Err(DataError::NotFinite {
                path: path.into(),
                row: *row,
                column: column.into(),
                value: value.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn is_identifier(&self) -> bool {
        let all_differ = self.numbers == 0 && self.texts >= MIN_IDENTIFIERS;
        (all_differ && self.distinct.len() as u64 == self.texts) || self.distinct.len() > MAX_CATEGORIES
    }

    /// The column's use as a feature, with a note where that needs explaining.
    pub(crate) fn judge(&self, column: &str) -> (Use, Option<String>) {
        if self.numbers + self.texts == 0 {
            return (Use::Nothing, Some(format!("column '{column}' left out: it has no values")));
        }
        if self.texts == 0 {
            return (Use::Number, None);
        }
        if self.is_identifier() {
            let note =
                format!("column '{column}' left out: its texts all differ, as those of an identifier do");
            return (Use::Nothing, Some(note));
        }
        (Use::Category, self.mixture_note(column))
    }

    fn mixture_note(&self, column: &str) -> Option<String> {
        let (line, text) = self.first_text.as_ref().filter(|_| self.texts * 10 < self.numbers)?;
        let (texts, all) = (self.texts, self.texts + self.numbers);
        Some(format!(
            "column '{column}' read as categories: {texts} of {all} values are not numbers, first '{text}' in line {line}"
        ))
    }
}

fn owned(cell: &Cell<'_>) -> String {
    cell.text().unwrap_or_default().into_owned()
}
