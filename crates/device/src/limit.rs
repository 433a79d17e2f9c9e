//! A hard bound on one cost.

use crate::cost::{cost_names, nearest_cost};
use crate::{Cost, DeviceCost, Meter, cost_named, format_quantity, parse_quantity};
use nasmyth_graph::VerifiedGraph;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A cost and the most that it may be, written `params<=100k` or `latency<=2ms@pi`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Limit {
    /// What is bounded.
    pub cost: Cost,
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
        cost_names().collect::<Vec<_>>().join(", ")
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
        "limit at character {position}: expected {expected}, got `{got}`; write for example `params<=100k` or `latency<=2ms@this`"
    )]
    Syntax {
        /// Where.
        position: usize,
        /// What should be there.
        expected: String,
        /// What is there.
        got: String,
    },
    /// A device for what is the same on every device, or none where it takes one.
    #[error("limit at character {position}: {problem}")]
    Device {
        /// Where.
        position: usize,
        /// What is wrong.
        problem: String,
    },
}

impl Limit {
    /// What the graph may cost, at most, if that breaks the limit; infinitely much (`u64::MAX`) where the model of a device
    /// cannot tell. A cost that is dear to count is counted only when a cheaper bound leaves a doubt.
    pub fn broken_by(&self, graph: &VerifiedGraph, meter: &Meter) -> Option<u64> {
        if let Cost::Counted(kind) = self.cost
            && kind.at_most.is_some_and(|at_most| at_most(graph) <= self.bound)
        {
            return None;
        }
        let value = meter.tell(&self.cost, graph).map_or(u64::MAX, |amount| amount.at_most);
        (value > self.bound).then_some(value)
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
        let device = text.find('@').filter(|at| *at > sign).unwrap_or(text.len());
        let written = text.get(device + 1..).map(str::trim);
        let cost = cost_of(text[..sign].trim(), written, [at(lead), at(device.min(text.len()))])?;
        let strict = !text[sign + 1..].starts_with('=');
        let number = sign + if strict { 1 } else { 2 };
        let got = text[number.min(device)..device].trim();
        let wrong = |expected| LimitError::Syntax { position: at(number), expected, got: got.to_owned() };
        let bound = parse_quantity(got, cost.unit()).map_err(wrong)?;
        let below = || bound.checked_sub(1).ok_or_else(|| wrong("a number above 0 after `<`".to_owned()));
        Ok(Self { bound: if strict { below()? } else { bound }, cost })
    }
}

/// The cost with this name, on the device that is named. Positions are those of the name and of the device.
fn cost_of(name: &str, device: Option<&str>, [name_at, device_at]: [usize; 2]) -> Result<Cost, LimitError> {
    let problem = |problem| LimitError::Device { position: device_at, problem };
    let on_device = DeviceCost::ALL.into_iter().find(|cost| cost.name() == name);
    match (cost_named(name), on_device, device) {
        (Some(kind), _, None) => Ok(Cost::Counted(kind)),
        (Some(kind), ..) => {
            Err(problem(format!("`{}` is the same on every device: leave out the `@`", kind.name)))
        }
        (None, Some(cost), Some(device)) if !device.is_empty() => Ok(Cost::OnDevice(cost, device.into())),
        (None, Some(cost), _) => Err(problem(format!(
            "`{0}` depends on the device: name one, as in `{0}<=NUMBER@this`; `nasmyth device list` shows them",
            cost.name()
        ))),
        (None, None, _) => Err(LimitError::UnknownCost {
            position: name_at,
            got: name.to_owned(),
            nearest: nearest_cost(name),
        }),
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        Self::parse_at(text, 0)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = format_quantity(self.bound, self.cost.unit());
        match &self.cost {
            Cost::Counted(kind) => write!(f, "{}<={bound}", kind.name),
            Cost::OnDevice(cost, device) => write!(f, "{}<={bound}@{device}", cost.name()),
        }
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
