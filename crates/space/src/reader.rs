//! Reading what was chosen, by path and type.

use crate::slots::{Slots, join};
use crate::{Gene, SpaceError, Value};

/// The chosen values below some path. Paths are relative to where the reader stands.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    slots: &'a Slots,
    chosen: &'a [Option<Gene>],
    prefix: String,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(slots: &'a Slots, chosen: &'a [Option<Gene>]) -> Self {
        Self { slots, chosen, prefix: String::new() }
    }

    /// The value at a path.
    ///
    /// # Errors
    /// The path names no gene (with the nearest one that exists), or one that does not exist under the choices made.
    pub fn value(&self, path: &str) -> Result<Value, SpaceError> {
        let path = join(&self.prefix, path);
        let slot = self.slots.find(&path)?;
        let value = self.chosen[slot].and_then(|gene| self.slots.list()[slot].domain.value(gene));
        value.ok_or(SpaceError::AbsentGene { path })
    }

    fn typed<T>(
        &self,
        path: &str,
        expected: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, SpaceError> {
        let value = self.value(path)?;
        read(&value).ok_or_else(|| SpaceError::Gene {
            path: join(&self.prefix, path),
            expected: expected.to_owned(),
            got: value.to_string(),
        })
    }

    /// A whole number.
    ///
    /// # Errors
    /// As [`value`](Self::value), or the value is of another type; so for all typed readers.
    pub fn int(&self, path: &str) -> Result<i64, SpaceError> {
        self.typed(path, "a whole number", |v| match v {
            Value::Int(v) => Some(*v),
            _ => None,
        })
    }

    /// A whole number of at least 0, e.g. a width.
    pub fn size(&self, path: &str) -> Result<usize, SpaceError> {
        self.typed(path, "a whole number of at least 0", |v| match v {
            Value::Int(v) => usize::try_from(*v).ok(),
            _ => None,
        })
    }

    /// A number.
    pub fn float(&self, path: &str) -> Result<f64, SpaceError> {
        self.typed(path, "a number", |v| match v {
            Value::Float(v) => Some(*v),
            Value::Int(v) => Some(*v as f64),
            _ => None,
        })
    }

    /// A truth value.
    pub fn flag(&self, path: &str) -> Result<bool, SpaceError> {
        self.typed(path, "true or false", |v| match v {
            Value::Bool(v) => Some(*v),
            _ => None,
        })
    }

    /// A word; of a sum, the name of the chosen option.
    pub fn word(&self, path: &str) -> Result<String, SpaceError> {
        self.typed(path, "a word", |v| match v {
            Value::Word(v) => Some(v.clone()),
            _ => None,
        })
    }

    /// A reader that stands at a path.
    pub fn scope(&self, path: &str) -> Reader<'a> {
        Self { prefix: join(&self.prefix, path), ..self.clone() }
    }

    /// A reader for each repetition.
    pub fn repeat(&self, path: &str) -> Result<Vec<Reader<'a>>, SpaceError> {
        let times = self.size(path)?;
        Ok((0..times).map(|i| self.scope(&format!("{path}[{i}]"))).collect())
    }

    /// The chosen option of a sum, and a reader for its genes.
    pub fn branch(&self, path: &str) -> Result<(String, Reader<'a>), SpaceError> {
        let option = self.word(path)?;
        let inner = self.scope(&join(path, &option));
        Ok((option, inner))
    }
}
