//! Attributes of an operator, as its text form and its identity see them.

use crate::OpError;
use std::fmt;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A whole number.
    Int(i64),
    /// A real number; always written with a point or an exponent.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// Whole numbers in brackets.
    Ints(Vec<i64>),
    /// A name.
    Word(String),
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) => write!(f, "{v:?}"),
            Self::Bool(v) => write!(f, "{v}"),
            Self::Ints(v) => write!(f, "{v:?}"),
            Self::Word(v) => f.write_str(v),
        }
    }
}

impl From<usize> for Attribute {
    fn from(v: usize) -> Self {
        Self::Int(v as i64)
    }
}
impl From<f64> for Attribute {
    fn from(v: f64) -> Self {
        Self::Float(v)
    }
}
impl From<bool> for Attribute {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}
impl From<&[usize]> for Attribute {
    fn from(v: &[usize]) -> Self {
        Self::Ints(v.iter().map(|&x| x as i64).collect())
    }
}
impl From<&str> for Attribute {
    fn from(v: &str) -> Self {
        Self::Word(v.to_owned())
    }
}

/// Named attributes in a fixed order. Values that equal their default are left out, so text stays short.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(String, Attribute)>);

impl Attributes {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more.
    pub fn with(mut self, name: &str, value: impl Into<Attribute>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// With one more, unless it has its default value.
    pub fn unless_default<T: Into<Attribute> + PartialEq>(self, name: &str, value: T, default: T) -> Self {
        if value == default { self } else { self.with(name, value) }
    }

    /// Name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v))
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.iter().enumerate() {
            write!(f, "{}{name}={value}", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// Takes attributes out one by one and complains about what is left.
pub struct AttributeReader(Vec<(String, Attribute)>);

impl AttributeReader {
    /// A reader over parsed attributes.
    pub fn new(attributes: Attributes) -> Self {
        Self(attributes.0)
    }

    fn take(&mut self, name: &str) -> Option<Attribute> {
        let at = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(at).1)
    }

    fn take_as<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl Fn(&Attribute) -> Option<T>,
    ) -> Result<Option<T>, OpError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| OpError(format!("`{name}`: expected {what}, got {value}")))
    }

    /// A count.
    pub fn size(&mut self, name: &str) -> Result<Option<usize>, OpError> {
        self.take_as(name, "a whole number >= 0", |v| match v {
            Attribute::Int(v) => usize::try_from(*v).ok(),
            _ => None,
        })
    }

    /// A list of counts.
    pub fn sizes(&mut self, name: &str) -> Result<Option<Vec<usize>>, OpError> {
        self.take_as(name, "a list such as [1, 2]", |v| match v {
            Attribute::Ints(v) => v.iter().map(|&x| usize::try_from(x).ok()).collect(),
            _ => None,
        })
    }

    /// A finite real number.
    pub fn float(&mut self, name: &str) -> Result<Option<f64>, OpError> {
        self.take_as(name, "a finite number", |v| match v {
            Attribute::Float(v) if v.is_finite() => Some(*v),
            Attribute::Int(v) => Some(*v as f64),
            _ => None,
        })
    }

    /// A truth value.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, OpError> {
        self.take_as(name, "true or false", |v| match v {
            Attribute::Bool(v) => Some(*v),
            _ => None,
        })
    }

    /// A name.
    pub fn word(&mut self, name: &str) -> Result<Option<String>, OpError> {
        self.take_as(name, "a name", |v| match v {
            Attribute::Word(v) => Some(v.clone()),
            _ => None,
        })
    }

    /// `value`, or an error that says that `name` is missing.
    pub fn required<T>(name: &str, value: Option<T>) -> Result<T, OpError> {
        value.ok_or_else(|| OpError(format!("attribute `{name}` is missing")))
    }

    /// Ends reading: whatever is left is unknown.
    pub fn finish(self) -> Result<(), OpError> {
        match self.0.first() {
            Some((name, value)) => Err(OpError(format!("unknown attribute `{name}={value}`"))),
            None => Ok(()),
        }
    }
}
