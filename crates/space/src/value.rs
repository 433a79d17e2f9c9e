//! Values that a gene can take.

use std::fmt;

/// One value of a choice or a range.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A finite real number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A name without white space or `=`.
    Word(String),
}

impl Value {
    /// Whether the value can be written as `path=value` and read back.
    pub(crate) fn is_writable(&self) -> bool {
        match self {
            Self::Float(v) => v.is_finite(),
            Self::Word(w) => {
                !w.is_empty() && !w.contains(|c: char| c.is_whitespace() || c.is_control() || c == '=')
            }
            _ => true,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) => write!(f, "{v:?}"),
            Self::Bool(v) => write!(f, "{v}"),
            Self::Word(v) => f.write_str(v),
        }
    }
}

impl From<i32> for Value {
    fn from(v: i32) -> Self {
        Self::Int(v.into())
    }
}
impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}
impl From<usize> for Value {
    fn from(v: usize) -> Self {
        Self::Int(i64::try_from(v).unwrap_or(i64::MAX))
    }
}
impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self::Float(v)
    }
}
impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}
impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::Word(v.to_owned())
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Word(v)
    }
}
