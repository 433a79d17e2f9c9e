//! The value of an attribute: fixed, chosen, or shared.

use super::{misread, shown, unknown_key};
use crate::slots::Slots;
use crate::{SpaceError, Tree, Value};
use toml::Value as Toml;

const FORMS: &str =
    "a value, { choice = [..] }, { int = [from, to] }, { float = [from, to] } or { shared = \"name\" }";

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Spec {
    Fixed(Value),
    Choice {
        options: Vec<Value>,
        default: Option<Value>,
    },
    Int {
        low: i64,
        high: i64,
        step: i64,
        default: Option<Value>,
    },
    Float {
        low: f64,
        high: f64,
        steps: Option<u32>,
        default: Option<Value>,
    },
    /// The value of `[shared]` of this name, for sizes times a factor.
    Shared {
        name: String,
        times: Option<f64>,
    },
}

impl Spec {
    pub fn read(at: &str, value: &Toml) -> Result<Self, SpaceError> {
        let Toml::Table(table) = value else { return Ok(Self::Fixed(plain(at, value)?)) };
        let reader = SpecTable { at, table };
        let spec = match table.keys().find(|k| ["choice", "int", "float", "shared"].contains(&k.as_str())) {
            Some(form) if form == "choice" => reader.choice()?,
            Some(form) if form == "int" => reader.int()?,
            Some(form) if form == "float" => reader.float()?,
            Some(_) => reader.shared()?,
            None => {
                let key = table.keys().next().map_or("", String::as_str);
                let near = crate::error::nearest(key, ["choice", "int", "float", "shared"]);
                return Err(misread(at, FORMS, shown(value), near));
            }
        };
        spec.check(at)?;
        Ok(spec)
    }

    /// Ranges, options and defaults make sense.
    pub fn check(&self, at: &str) -> Result<(), SpaceError> {
        let Err(error) = Slots::unfold(&self.tree("value")) else { return Ok(()) };
        Err(match error {
            SpaceError::Tree { expected, got, .. } => misread(at, expected, got, None),
            other => other.within(at),
        })
    }

    /// The choice of this name.
    pub fn tree(&self, name: &str) -> Tree {
        let (tree, default) = match self {
            Self::Fixed(value) => (Tree::choice(name, [value.clone()]), &None),
            Self::Choice { options, default } => (Tree::choice(name, options.iter().cloned()), default),
            Self::Int { low, high, step, default } => (Tree::int(name, *low..=*high, *step), default),
            Self::Float { low, high, steps: Some(steps), default } => {
                (Tree::float(name, *low..=*high, *steps), default)
            }
            Self::Float { low, high, steps: None, default } => (Tree::real(name, *low..=*high), default),
            Self::Shared { .. } => (Tree::nothing(), &None),
        };
        default.iter().fold(tree, |tree, value| tree.default(value.clone()))
    }

    /// The same with every value changed.
    pub fn map(&self, change: impl Fn(Value) -> Value) -> Self {
        match self.clone() {
            Self::Fixed(value) => Self::Fixed(change(value)),
            Self::Choice { options, default } => Self::Choice {
                options: options.into_iter().map(&change).collect(),
                default: default.map(&change),
            },
            other => other,
        }
    }
}

/// A number, a word or a truth value.
fn plain(at: &str, value: &Toml) -> Result<Value, SpaceError> {
    match value {
        Toml::Integer(v) => Ok(Value::Int(*v)),
        Toml::Float(v) => Ok(Value::Float(*v)),
        Toml::Boolean(v) => Ok(Value::Bool(*v)),
        Toml::String(v) => Ok(Value::Word(v.clone())),
        Toml::Array(_) => {
            Err(misread(at, "one value; alternatives are written { choice = [..] }", shown(value), None))
        }
        _ => Err(misread(at, FORMS, shown(value), None)),
    }
}

struct SpecTable<'t> {
    at: &'t str,
    table: &'t toml::Table,
}

impl SpecTable<'_> {
    fn only(&self, known: &[&str]) -> Result<(), SpaceError> {
        match self.table.keys().find(|k| !known.contains(&k.as_str())) {
            Some(key) => Err(unknown_key(self.at, key, known)),
            None => Ok(()),
        }
    }

    fn wrong<T>(&self, key: &str, expected: &str) -> Result<T, SpaceError> {
        let got = self.table.get(key).map_or("nothing".to_owned(), shown);
        Err(misread(&format!("{}, {key}", self.at), expected, got, None))
    }

    fn default(&self) -> Result<Option<Value>, SpaceError> {
        self.table.get("default").map(|v| plain(&format!("{}, default", self.at), v)).transpose()
    }

    fn choice(&self) -> Result<Spec, SpaceError> {
        self.only(&["choice", "default"])?;
        let Some(Toml::Array(options)) = self.table.get("choice") else {
            return self.wrong("choice", "a list of values such as [3, 5]");
        };
        let option = |(i, v): (usize, &Toml)| plain(&format!("{}, option {}", self.at, i + 1), v);
        let options = options.iter().enumerate().map(option).collect::<Result<_, _>>()?;
        Ok(Spec::Choice { options, default: self.default()? })
    }

    fn int(&self) -> Result<Spec, SpaceError> {
        self.only(&["int", "step", "default"])?;
        let bounds = self.table.get("int").and_then(Toml::as_array).map(Vec::as_slice);
        let Some([Toml::Integer(low), Toml::Integer(high)]) = bounds else {
            return self.wrong("int", "two whole numbers [from, to], both included");
        };
        let step = match self.table.get("step") {
            None => 1,
            Some(Toml::Integer(step)) => *step,
            Some(_) => return self.wrong("step", "a whole number above 0"),
        };
        Ok(Spec::Int { low: *low, high: *high, step, default: self.default()? })
    }

    fn float(&self) -> Result<Spec, SpaceError> {
        self.only(&["float", "steps", "default"])?;
        let bounds = self.table.get("float").and_then(Toml::as_array).map(Vec::as_slice);
        let (Some(low), Some(high)) = (bound(bounds, 0), bound(bounds, 1)) else {
            return self.wrong("float", "two numbers [from, to], both included");
        };
        let steps = match self.table.get("steps") {
            None => None,
            Some(Toml::Integer(steps)) => Some(u32::try_from(*steps).unwrap_or(0)),
            Some(_) => return self.wrong("steps", "a whole number above 0"),
        };
        Ok(Spec::Float { low, high, steps, default: self.default()? })
    }

    fn shared(&self) -> Result<Spec, SpaceError> {
        self.only(&["shared", "times"])?;
        let Some(Toml::String(name)) = self.table.get("shared") else {
            return self.wrong("shared", "the name of a value under [shared]");
        };
        let times = match self.table.get("times") {
            None => None,
            Some(times) => match number(times).filter(|t| (1e-3..=1e3).contains(t)) {
                Some(times) => Some(times),
                None => return self.wrong("times", "a factor 0.001..=1000"),
            },
        };
        Ok(Spec::Shared { name: name.clone(), times })
    }
}

fn number(value: &Toml) -> Option<f64> {
    match value {
        Toml::Integer(v) => Some(*v as f64),
        Toml::Float(v) => Some(*v),
        _ => None,
    }
}

/// A bound of a range of two.
fn bound(bounds: Option<&[Toml]>, i: usize) -> Option<f64> {
    bounds.filter(|b| b.len() == 2).and_then(|b| number(&b[i]))
}
