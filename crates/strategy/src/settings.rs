//! Typed settings of strategies and schedulers: one static list feeds validation, help and docs.

use crate::StrategyError;
use crate::error::nearest;
use std::fmt;
use std::path::{Path, PathBuf};

/// Type, default and range of a setting.
#[derive(Clone, Copy, Debug)]
pub enum Setting {
    /// A whole number.
    Integer {
        /// Used when not given.
        default: i64,
        /// Smallest value allowed.
        least: i64,
        /// Largest value allowed.
        most: i64,
    },
    /// A number.
    Number {
        /// Used when not given.
        default: f64,
        /// Smallest value allowed.
        least: f64,
        /// Largest value allowed.
        most: f64,
    },
    /// True or false.
    Flag {
        /// Used when not given.
        default: bool,
    },
    /// One of some words.
    Word {
        /// Used when not given.
        default: &'static str,
        /// All of them.
        options: &'static [&'static str],
    },
    /// Any text of a form.
    Text {
        /// Used when not given; none where it must be given.
        default: Option<&'static str>,
        /// The form, in words.
        expected: &'static str,
        /// Whether a text has the form. Messages do not repeat a text that has not: it may be a secret in the wrong place.
        accepts: fn(&str) -> bool,
    },
}

/// A setting by name.
#[derive(Clone, Copy, Debug)]
pub struct SettingKind {
    /// Name in configuration files.
    pub name: &'static str,
    /// One line for `--help`.
    pub doc: &'static str,
    /// Type, default and range.
    pub setting: Setting,
}

/// A value that passed validation.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// A word or a text.
    Text(String),
}

/// Valid values for every setting of one strategy or scheduler.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    values: Vec<(&'static str, SettingValue)>,
    folder: Option<PathBuf>,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { least, most, .. } => write!(f, "a whole number from {least} to {most}"),
            Self::Number { least, most, .. } => write!(f, "a number from {least} to {most}"),
            Self::Flag { .. } => f.write_str("true or false"),
            Self::Word { options, .. } => write!(f, "one of {}", options.join(", ")),
            Self::Text { expected, .. } => f.write_str(expected),
        }
    }
}

impl Setting {
    /// The value used when none is given; nothing where one must be given.
    pub fn default_value(self) -> Option<SettingValue> {
        Some(match self {
            Self::Integer { default, .. } => SettingValue::Integer(default),
            Self::Number { default, .. } => SettingValue::Number(default),
            Self::Flag { default } => SettingValue::Flag(default),
            Self::Word { default, .. } => SettingValue::Text(default.to_owned()),
            Self::Text { default, .. } => SettingValue::Text(default?.to_owned()),
        })
    }

    fn read(self, value: &toml::Value) -> Option<SettingValue> {
        match self {
            Self::Integer { least, most, .. } => {
                value.as_integer().filter(|v| (least..=most).contains(v)).map(SettingValue::Integer)
            }
            Self::Number { least, most, .. } => {
                let number = value.as_float().or_else(|| value.as_integer().map(|v| v as f64));
                number.filter(|v| (least..=most).contains(v)).map(SettingValue::Number)
            }
            Self::Flag { .. } => value.as_bool().map(SettingValue::Flag),
            Self::Word { options, .. } => {
                let word = value.as_str().filter(|word| options.contains(word));
                word.map(|word| SettingValue::Text(word.to_owned()))
            }
            Self::Text { accepts, .. } => {
                let text = value.as_str().filter(|text| accepts(text));
                text.map(|text| SettingValue::Text(text.to_owned()))
            }
        }
    }
}

impl Settings {
    /// Checks a table against the settings that `owner` has and fills in the defaults.
    ///
    /// # Errors
    /// A setting that `owner` does not have (naming the nearest), of a wrong type or out of range, or that must be given and is not.
    pub fn resolve(
        owner: &str,
        kinds: &'static [SettingKind],
        table: &toml::Table,
    ) -> Result<Self, StrategyError> {
        if let Some(got) = table.keys().find(|key| kinds.iter().all(|kind| kind.name != key.as_str())) {
            return Err(unknown(owner, kinds, got));
        }
        let value = |kind: &SettingKind| {
            let got = table.get(kind.name);
            let value = match got {
                None => kind.setting.default_value(),
                Some(got) => kind.setting.read(got),
            };
            value.map(|value| (kind.name, value)).ok_or_else(|| wrong(owner, kind, got))
        };
        Ok(Self { values: kinds.iter().map(value).collect::<Result<_, _>>()?, folder: None })
    }

    /// The same for a run whose files lie in this folder.
    pub fn within(self, folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_owned), ..self }
    }

    /// The folder of the run, where there is one.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    fn value(&self, name: &str) -> Option<&SettingValue> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// A word or a text; empty for a setting that is not in the list.
    pub fn text(&self, name: &str) -> &str {
        match self.value(name) {
            Some(SettingValue::Text(text)) => text,
            _ => "",
        }
    }

    /// A whole number that may not be negative; 0 for a setting that is not in the list.
    pub fn count(&self, name: &str) -> usize {
        match self.value(name) {
            Some(SettingValue::Integer(value)) => usize::try_from(*value).unwrap_or(0),
            _ => 0,
        }
    }

    /// A number; 0 for a setting that is not in the list.
    pub fn number(&self, name: &str) -> f64 {
        match self.value(name) {
            Some(SettingValue::Number(value)) => *value,
            _ => 0.0,
        }
    }

    /// True or false; false for a setting that is not in the list.
    pub fn flag(&self, name: &str) -> bool {
        self.value(name) == Some(&SettingValue::Flag(true))
    }
}

fn unknown(owner: &str, kinds: &[SettingKind], got: &str) -> StrategyError {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    StrategyError::UnknownSetting {
        owner: owner.to_owned(),
        got: got.to_owned(),
        nearest: nearest(got, names.iter().copied()),
        known: if names.is_empty() { "no settings".to_owned() } else { names.join(", ") },
    }
}

fn wrong(owner: &str, kind: &SettingKind, got: Option<&toml::Value>) -> StrategyError {
    let got = match (got, kind.setting) {
        (None, _) => "nothing".to_owned(),
        (Some(toml::Value::String(_)), Setting::Text { .. }) => "another text".to_owned(),
        (Some(got), _) => got.to_string(),
    };
    StrategyError::Setting {
        owner: owner.to_owned(),
        setting: kind.name.to_owned(),
        expected: kind.setting.to_string(),
        got,
    }
}
