//! One number of a family: what it may be, and what a search tries.

use crate::{Number, ZooError};
use std::fmt;

/// A number of a family.
#[derive(Clone, Debug, PartialEq)]
pub struct Knob {
    /// Name, as in the paper where it has one.
    pub name: &'static str,
    /// What it decides.
    pub doc: &'static str,
    /// Its value where nobody says otherwise, as text.
    pub default: &'static str,
    /// What it may be.
    pub domain: Domain,
}

/// The values of a number, and those that a search tries (none: the default stays).
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// A whole number.
    Int {
        /// Smallest.
        least: i64,
        /// Largest.
        most: i64,
        /// Tried by a search.
        search: &'static [i64],
    },
    /// A real number.
    Real {
        /// Smallest.
        least: f64,
        /// Largest.
        most: f64,
        /// Tried by a search.
        search: &'static [f64],
    },
    /// A name.
    Word {
        /// Which there are.
        options: &'static [&'static str],
        /// Tried by a search.
        search: &'static [&'static str],
    },
    /// Whole numbers, one for each stage.
    List {
        /// Fewest and most entries.
        len: (usize, usize),
        /// Smallest entry.
        least: i64,
        /// Largest entry.
        most: i64,
        /// Tried by a search for each entry of the default.
        search: &'static [i64],
    },
    /// Real numbers, one for each stage.
    Reals {
        /// Fewest and most entries.
        len: (usize, usize),
        /// Smallest entry.
        least: f64,
        /// Largest entry.
        most: f64,
        /// Tried by a search for each entry of the default.
        search: &'static [f64],
    },
}

impl Domain {
    /// Whether a search tries more than the default.
    pub fn is_searched(&self) -> bool {
        match self {
            Self::Int { search, .. } | Self::List { search, .. } => !search.is_empty(),
            Self::Real { search, .. } | Self::Reals { search, .. } => !search.is_empty(),
            Self::Word { search, .. } => !search.is_empty(),
        }
    }

    /// Reads a value; `None` if the text is none or outside.
    pub fn read(&self, text: &str) -> Option<Number> {
        let int = |t: &str, least: i64, most: i64| t.parse().ok().filter(|v| (least..=most).contains(v));
        let real = |t: &str, least: f64, most: f64| t.parse().ok().filter(|v| (least..=most).contains(v));
        let entries = |&(fewest, most): &(usize, usize)| {
            let entries: Vec<&str> = text.split('/').filter(|t| !t.is_empty()).collect();
            (fewest..=most).contains(&entries.len()).then_some(entries)
        };
        Some(match self {
            Self::Int { least, most, .. } => Number::Int(int(text, *least, *most)?),
            Self::Real { least, most, .. } => Number::Real(real(text, *least, *most)?),
            Self::Word { options, .. } => Number::Word(options.iter().find(|o| **o == text)?),
            Self::List { len, least, most, .. } => {
                Number::List(entries(len)?.into_iter().map(|t| int(t, *least, *most)).collect::<Option<_>>()?)
            }
            Self::Reals { len, least, most, .. } => Number::Reals(
                entries(len)?.into_iter().map(|t| real(t, *least, *most)).collect::<Option<_>>()?,
            ),
        })
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |&(fewest, most): &(usize, usize)| match fewest == most {
            true => fewest.to_string(),
            false => format!("{fewest} to {most}"),
        };
        match self {
            Self::Int { least, most, .. } => write!(f, "a whole number from {least} to {most}"),
            Self::Real { least, most, .. } => write!(f, "a number from {least} to {most}"),
            Self::Word { options, .. } => write!(f, "one of {}", options.join(", ")),
            Self::List { len, least, most, .. } => {
                write!(f, "{} whole numbers from {least} to {most}, separated by `/`", count(len))
            }
            Self::Reals { len, least, most, .. } => {
                write!(f, "{} numbers from {least} to {most}, separated by `/`", count(len))
            }
        }
    }
}

impl Knob {
    /// A whole number from `range.0` to `range.1`.
    pub const fn int(
        name: &'static str,
        doc: &'static str,
        default: &'static str,
        range: (i64, i64),
        search: &'static [i64],
    ) -> Self {
        Self { name, doc, default, domain: Domain::Int { least: range.0, most: range.1, search } }
    }

    /// A real number from `range.0` to `range.1`.
    pub const fn real(
        name: &'static str,
        doc: &'static str,
        default: &'static str,
        range: (f64, f64),
        search: &'static [f64],
    ) -> Self {
        Self { name, doc, default, domain: Domain::Real { least: range.0, most: range.1, search } }
    }

    /// One of some names; a search tries all.
    pub const fn word(
        name: &'static str,
        doc: &'static str,
        default: &'static str,
        options: &'static [&'static str],
    ) -> Self {
        Self { name, doc, default, domain: Domain::Word { options, search: options } }
    }

    /// `len.0` to `len.1` whole numbers from `range.0` to `range.1`.
    pub const fn list(
        name: &'static str,
        doc: &'static str,
        default: &'static str,
        len: (usize, usize),
        range: (i64, i64),
    ) -> Self {
        Self { name, doc, default, domain: Domain::List { len, least: range.0, most: range.1, search: &[] } }
    }

    /// `len.0` to `len.1` real numbers from `range.0` to `range.1`.
    pub const fn reals(
        name: &'static str,
        doc: &'static str,
        default: &'static str,
        len: (usize, usize),
        range: (f64, f64),
    ) -> Self {
        Self { name, doc, default, domain: Domain::Reals { len, least: range.0, most: range.1, search: &[] } }
    }

    /// A list of which a search tries these values for each entry.
    pub const fn searched(self, values: &'static [i64]) -> Self {
        let domain = match self.domain {
            Domain::List { len, least, most, .. } => Domain::List { len, least, most, search: values },
            other => other,
        };
        Self { domain, ..self }
    }

    /// A real list of which a search tries these values for each entry.
    pub const fn searched_reals(self, values: &'static [f64]) -> Self {
        let domain = match self.domain {
            Domain::Reals { len, least, most, .. } => Domain::Reals { len, least, most, search: values },
            other => other,
        };
        Self { domain, ..self }
    }

    /// A word that a search leaves at its default.
    pub const fn fixed(self) -> Self {
        let domain = match self.domain {
            Domain::Word { options, .. } => Domain::Word { options, search: &[] },
            other => other,
        };
        Self { domain, ..self }
    }

    pub(crate) fn read(&self, family: &'static str, text: &str) -> Result<Number, ZooError> {
        self.domain.read(text).ok_or_else(|| ZooError::Number {
            family,
            name: self.name.to_owned(),
            expected: self.domain.to_string(),
            got: format!("`{text}`"),
        })
    }
}
