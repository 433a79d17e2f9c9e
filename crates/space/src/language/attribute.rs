//! What the attributes of a layer may be.

use super::spec::Spec;
use super::{misread, unknown_key};
use crate::error::nearest;
use crate::{SpaceError, Value};
use std::collections::BTreeMap;

/// One attribute of a kind of layer.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub name: &'static str,
    pub kind: Kind,
    /// What it is without being mentioned.
    pub default: Fallback,
}

/// The values that an attribute may have.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A whole number from 1 (or 0) to the last.
    Size(i64, i64),
    /// A real number, both ends included.
    Number(f64, f64),
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// The value of an attribute that a file does not mention.
#[derive(Debug)]
pub(crate) enum Fallback {
    Required,
    Size(i64),
    Number(f64),
    Flag(bool),
    Word(&'static str),
}

/// Values under `[shared]`, by name.
pub(crate) type Shared = BTreeMap<String, Spec>;

impl Attribute {
    pub fn describe(&self) -> String {
        let default = match &self.default {
            Fallback::Required => "required".to_owned(),
            Fallback::Size(v) => format!("default {v}"),
            Fallback::Number(v) => format!("default {v}"),
            Fallback::Flag(v) => format!("default {v}"),
            Fallback::Word(v) => format!("default \"{v}\""),
        };
        format!("{}; {default}", self.kind.expected())
    }

    fn fallback(&self, at: &str) -> Result<Spec, SpaceError> {
        Ok(Spec::Fixed(match &self.default {
            Fallback::Required => {
                let expected = format!("`{} = ..`, {}", self.name, self.kind.expected());
                return Err(misread(at, expected, "nothing", None));
            }
            Fallback::Size(v) => Value::Int(*v),
            Fallback::Number(v) => Value::Float(*v),
            Fallback::Flag(v) => Value::Bool(*v),
            Fallback::Word(v) => Value::from(*v),
        }))
    }

    /// The attribute's value in a table.
    pub fn read(&self, at: &str, table: &toml::Table, shared: &Shared) -> Result<Spec, SpaceError> {
        let Some(value) = table.get(self.name) else { return self.fallback(at) };
        let at = format!("{at}, {}", self.name);
        let spec = Spec::read(&at, value)?;
        self.kind.check(&at, &spec, shared)?;
        Ok(match self.kind {
            Kind::Number(..) => spec.map(as_float),
            _ => spec,
        })
    }
}

fn as_float(value: Value) -> Value {
    match value {
        Value::Int(v) => Value::Float(v as f64),
        other => other,
    }
}

/// All attributes of a table, whose other keys are `also`.
pub(crate) fn read_all(
    at: &str,
    table: &toml::Table,
    attributes: &'static [Attribute],
    also: &[&str],
    shared: &Shared,
) -> Result<Vec<(&'static str, Spec)>, SpaceError> {
    let known: Vec<&str> = attributes.iter().map(|a| a.name).chain(also.iter().copied()).collect();
    if let Some(key) = table.keys().find(|k| !known.contains(&k.as_str())) {
        return Err(unknown_key(at, key, &known));
    }
    attributes.iter().map(|a| Ok((a.name, a.read(at, table, shared)?))).collect()
}

impl Kind {
    pub fn expected(&self) -> String {
        match self {
            Self::Size(low, high) => format!("a whole number {low}..={high}"),
            Self::Number(low, high) => format!("a number {low}..={high}"),
            Self::Flag => "true or false".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
        }
    }

    fn allows(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Size(low, high), Value::Int(v)) => (*low..=*high).contains(v),
            (Self::Number(low, high), Value::Float(v)) => (*low..=*high).contains(v),
            (Self::Number(low, high), Value::Int(v)) => (*low..=*high).contains(&(*v as f64)),
            (Self::Flag, Value::Bool(_)) => true,
            (Self::Word(words), Value::Word(w)) => words.contains(&w.as_str()),
            _ => false,
        }
    }

    fn check(&self, at: &str, spec: &Spec, shared: &Shared) -> Result<(), SpaceError> {
        let allowed = |value: &Value| {
            if self.allows(value) { Ok(()) } else { Err(self.wrong(at, value)) }
        };
        match spec {
            Spec::Fixed(value) => allowed(value),
            Spec::Choice { options, .. } => options.iter().try_for_each(allowed),
            Spec::Int { low, high, .. } => [low, high].into_iter().try_for_each(|v| allowed(&Value::Int(*v))),
            Spec::Float { low, high, .. } => {
                [low, high].into_iter().try_for_each(|v| allowed(&Value::Float(*v)))
            }
            Spec::Shared { name, times } => self.check_shared(at, name, *times, shared),
        }
    }

    fn check_shared(
        &self,
        at: &str,
        name: &str,
        times: Option<f64>,
        shared: &Shared,
    ) -> Result<(), SpaceError> {
        let spec = shared.get(name).ok_or_else(|| {
            let known: Vec<&str> = shared.keys().map(String::as_str).collect();
            let near = nearest(name, known.iter().copied());
            let expected = match known[..] {
                [] => "a value of its own: nothing is shared here".to_owned(),
                _ => format!("a name under [shared]: {}", known.join(", ")),
            };
            misread(at, expected, format!("`{name}`"), near)
        })?;
        let Some(times) = times else { return self.check(at, spec, shared) };
        match (self, spec) {
            (Self::Size(..), Spec::Int { low, high, default, .. }) => {
                let (low, high) = (scaled(*low, times), scaled(*high, times));
                self.check(at, &Spec::Int { low, high, step: 1, default: default.clone() }, shared)
            }
            (Self::Size(..), _) => self.check(at, &spec.map(|v| scaled_value(v, times)), shared),
            _ => Err(misread(at, "`times` only where a size is expected", format!("{times}"), None)),
        }
    }

    fn wrong(&self, at: &str, value: &Value) -> SpaceError {
        let near = match (self, value) {
            (Self::Word(words), Value::Word(w)) => nearest(w, words.iter().copied()),
            _ => None,
        };
        misread(at, self.expected(), format!("`{value}`"), near)
    }
}

/// A size times a factor: rounded, at least 1.
pub(crate) fn scaled(size: i64, times: f64) -> i64 {
    ((size as f64 * times).round() as i64).max(1)
}

fn scaled_value(value: Value, times: f64) -> Value {
    match value {
        Value::Int(v) => Value::Int(scaled(v, times)),
        other => other,
    }
}
