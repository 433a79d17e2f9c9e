//! The numbers that make one network of a family.

use crate::error::nearest;
use crate::{Family, Knob, ZooError};
use std::fmt;

/// A value of a [`Knob`].
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// A real number.
    Real(f64),
    /// A name.
    Word(&'static str),
    /// Whole numbers.
    List(Vec<i64>),
    /// Real numbers.
    Reals(Vec<f64>),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn joined<T: ToString>(values: &[T]) -> String {
            values.iter().map(T::to_string).collect::<Vec<_>>().join("/")
        }
        match self {
            Self::Int(v) => write!(f, "{v}"),
            Self::Real(v) => write!(f, "{v}"),
            Self::Word(v) => f.write_str(v),
            Self::List(v) => f.write_str(&joined(v)),
            Self::Reals(v) => f.write_str(&joined(v)),
        }
    }
}

/// One value for each knob of a family, all within their domains.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    family: &'static str,
    knobs: &'static [Knob],
    values: Vec<Number>,
}

impl Numbers {
    /// The defaults of a family.
    ///
    /// # Errors
    /// A default that is outside its own domain (a test sees to it that there is none).
    pub fn defaults(family: &'static Family) -> Result<Self, ZooError> {
        let values = family.knobs.iter().map(|k| k.read(family.name, k.default)).collect::<Result<_, _>>()?;
        Ok(Self { family: family.name, knobs: family.knobs, values })
    }

    /// The same with `text`, `NUMBER=VALUE` pairs separated by commas or blanks; lists with `/` between their entries.
    ///
    /// # Errors
    /// No pair, an unknown number, or a value outside its domain.
    pub fn with(mut self, text: &str) -> Result<Self, ZooError> {
        for pair in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| ZooError::Syntax(pair.to_owned()))?;
            let at = self.position(name)?;
            self.values[at] = self.knobs[at].read(self.family, value)?;
        }
        Ok(self)
    }

    /// All values, in the order of the family's knobs.
    pub(crate) fn values(&self) -> &[Number] {
        &self.values
    }

    fn position(&self, name: &str) -> Result<usize, ZooError> {
        let names = || self.knobs.iter().map(|k| k.name);
        names().position(|known| known == name).ok_or_else(|| ZooError::UnknownNumber {
            family: self.family,
            name: name.to_owned(),
            nearest: nearest(name, names()),
            known: names().collect::<Vec<_>>().join(", "),
        })
    }

    fn get<T>(&self, name: &str, kind: &str, read: impl Fn(&Number) -> Option<T>) -> Result<T, ZooError> {
        let value = &self.values[self.position(name)?];
        read(value).ok_or_else(|| self.wrong(name, kind))
    }

    /// A whole number of at least 0.
    ///
    /// # Errors
    /// No such number, or one of another kind; so for all that read.
    pub fn size(&self, name: &str) -> Result<usize, ZooError> {
        self.get(name, "a whole number of at least 0", |v| match v {
            Number::Int(v) => usize::try_from(*v).ok(),
            _ => None,
        })
    }

    /// A number.
    pub fn real(&self, name: &str) -> Result<f64, ZooError> {
        self.get(name, "a number", |v| match v {
            Number::Real(v) => Some(*v),
            Number::Int(v) => Some(*v as f64),
            _ => None,
        })
    }

    /// A name.
    pub fn word(&self, name: &str) -> Result<&'static str, ZooError> {
        self.get(name, "a word", |v| match v {
            Number::Word(v) => Some(*v),
            _ => None,
        })
    }

    /// Whole numbers of at least 0.
    pub fn sizes(&self, name: &str) -> Result<Vec<usize>, ZooError> {
        self.get(name, "whole numbers of at least 0", |v| match v {
            Number::List(v) => v.iter().map(|&v| usize::try_from(v).ok()).collect(),
            _ => None,
        })
    }

    /// Numbers.
    pub fn reals(&self, name: &str) -> Result<Vec<f64>, ZooError> {
        self.get(name, "numbers", |v| match v {
            Number::Reals(v) => Some(v.clone()),
            _ => None,
        })
    }

    /// An error that says why the value of a number does not go together with the others.
    pub fn wrong(&self, name: &str, expected: impl fmt::Display) -> ZooError {
        let got = self.position(name).map_or_else(|_| "nothing".to_owned(), |at| self.values[at].to_string());
        ZooError::Number {
            family: self.family,
            name: name.to_owned(),
            expected: expected.to_string(),
            got: format!("`{got}`"),
        }
    }
}

impl fmt::Display for Numbers {
    /// `NUMBER=VALUE` pairs, as [`with`](Numbers::with) reads them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.knobs.iter().zip(&self.values).map(|(k, v)| format!("{}={v}", k.name));
        f.write_str(&pairs.collect::<Vec<_>>().join(","))
    }
}
