//! A hard bound on one cost.

use crate::{COSTS, CostKind, cost_named, format_quantity, parse_quantity};
use nasmyth_graph::VerifiedGraph;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A cost and the most that it may be, written `params<=100k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Limit {
    /// What is bounded.
    pub cost: &'static CostKind,
    /// The largest value that is allowed.
    pub bound: u64,
}

/// A limit that cannot be read. Positions count characters from 1 in the whole text.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LimitError {
    /// No such cost.
    #[error(
        "limit at character {position}: there is no cost `{got}`{}; write one of {}",
        nearest.map(|n| format!(", did you mean `{n}`?")).unwrap_or_default(),
        names()
    )]
    UnknownCost {
        /// Where.
        position: usize,
        /// The name that was written.
        got: String,
        /// The closest name, if one is close.
        nearest: Option<&'static str>,
    },
    /// Not of the form NAME<=NUMBER.
    #[error(
        "limit at character {position}: expected {expected}, got `{got}`; write for example `params<=100k`"
    )]
    Syntax {
        /// Where.
        position: usize,
        /// What should be there.
        expected: String,
        /// What is there.
        got: String,
    },
    /// A bound for a named device, such as `latency<=2ms@pi`.
    #[error(
        "limit at character {position}: bounds on a named device (`@{device}`) are not supported yet; bound one of {} instead",
        names()
    )]
    Device {
        /// Where.
        position: usize,
        /// The device that was named.
        device: String,
    },
}

fn names() -> String {
    COSTS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
}

impl Limit {
    /// The graph's cost if it breaks the limit. A cost that is dear to count is counted only when a cheaper bound
    /// leaves a doubt.
    pub fn broken_by(&self, graph: &VerifiedGraph) -> Option<u64> {
        if self.cost.at_most.is_some_and(|at_most| at_most(graph) <= self.bound) {
            return None;
        }
        Some((self.cost.count)(graph)).filter(|value| *value > self.bound)
    }

    /// How far `value` is beyond the bound: 0 within it, 1 at twice the bound.
    pub fn excess(&self, value: u64) -> f64 {
        if value <= self.bound { 0.0 } else { value as f64 / self.bound.max(1) as f64 - 1.0 }
    }

    /// Reads one limit that begins at character `start` of a longer text.
    pub(crate) fn parse_at(text: &str, start: usize) -> Result<Self, LimitError> {
        let at = |byte: usize| start + text[..byte].chars().count() + 1;
        let lead = text.len() - text.trim_start().len();
        let Some(sign) = text.find('<') else {
            let expected = "NAME<=NUMBER".to_owned();
            return Err(LimitError::Syntax { position: at(lead), expected, got: text.trim().to_owned() });
        };
        if let Some(device) = text.find('@') {
            let name = text[device + 1..].trim().to_owned();
            return Err(LimitError::Device { position: at(device), device: name });
        }
        let name = text[..sign].trim();
        let cost = cost_named(name).ok_or_else(|| unknown(name, at(lead)))?;
        let strict = !text[sign + 1..].starts_with('=');
        let number = sign + if strict { 1 } else { 2 };
        let got = text[number..].trim();
        let wrong = |expected| LimitError::Syntax { position: at(number), expected, got: got.to_owned() };
        let bound = parse_quantity(got, cost.unit).map_err(wrong)?;
        let below = || bound.checked_sub(1).ok_or_else(|| wrong("a number above 0 after `<`".to_owned()));
        Ok(Self { cost, bound: if strict { below()? } else { bound } })
    }
}

fn unknown(name: &str, position: usize) -> LimitError {
    let near = |kind: &&CostKind| strsim::damerau_levenshtein(kind.name, name);
    let nearest = COSTS.iter().min_by_key(near).filter(|kind| near(kind) <= 3).map(|kind| kind.name);
    LimitError::UnknownCost { position, got: name.to_owned(), nearest }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        Self::parse_at(text, 0)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}<={}", self.cost.name, format_quantity(self.bound, self.cost.unit))
    }
}

impl TryFrom<String> for Limit {
    type Error = LimitError;

    fn try_from(text: String) -> Result<Self, LimitError> {
        text.parse()
    }
}

impl From<Limit> for String {
    fn from(limit: Limit) -> Self {
        limit.to_string()
    }
}
