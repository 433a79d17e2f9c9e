//! All hard bounds of a search.

use crate::{Cost, Limit, LimitError, Meter, format_quantity};
use nasmyth_graph::VerifiedGraph;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Bounds that a network must keep, all of them; written with commas between.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Limits(pub Vec<Limit>);

/// A limit that a network breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The limit.
    pub limit: Limit,
    /// The network's cost; where it is predicted, the most that it may be.
    pub value: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost = &self.limit.cost;
        match (cost, self.value) {
            (Cost::OnDevice(..), u64::MAX) => write!(f, "{cost} cannot be predicted for this network"),
            (Cost::OnDevice(..), value) => write!(f, "{cost} may be {}", format_quantity(value, cost.unit())),
            (Cost::Counted(_), value) => write!(f, "{cost} is {}", format_quantity(value, cost.unit())),
        }?;
        write!(f, ", which breaks {}", self.limit)
    }
}

impl Limits {
    /// Every limit that the graph breaks; costs that are dear to count come last.
    pub fn check(&self, graph: &VerifiedGraph, meter: &Meter) -> Vec<Violation> {
        let mut limits: Vec<&Limit> = self.0.iter().collect();
        limits.sort_by_key(|limit| limit.cost.effort());
        let broken = |limit: &Limit| {
            let value = limit.broken_by(graph, meter)?;
            Some(Violation { limit: limit.clone(), value })
        };
        limits.into_iter().filter_map(broken).collect()
    }

    /// How far the graph is from keeping the limits: the sum over limits of max(0, value / bound - 1). 0 is feasible.
    pub fn violation(&self, graph: &VerifiedGraph, meter: &Meter) -> f64 {
        // `fold` and not `sum`, whose empty float sum is -0.
        self.check(graph, meter).iter().fold(0.0, |sum, broken| sum + broken.limit.excess(broken.value))
    }

    /// The largest cost of the graph in units of its bound: at most 1 for a graph that keeps all limits, 0 without limits, infinite where the
    /// model of a device cannot tell.
    pub fn load(&self, graph: &VerifiedGraph, meter: &Meter) -> f64 {
        let load = |limit: &Limit| {
            let told = meter.tell(&limit.cost, graph);
            told.map_or(f64::INFINITY, |amount| amount.at_most as f64 / limit.bound.max(1) as f64)
        };
        self.0.iter().map(load).fold(0.0, f64::max)
    }

    /// The costs that devices have to tell.
    pub fn on_devices(&self) -> impl Iterator<Item = &Cost> {
        self.0.iter().map(|limit| &limit.cost).filter(|cost| cost.device().is_some())
    }
}

impl TryFrom<String> for Limits {
    type Error = LimitError;

    fn try_from(text: String) -> Result<Self, LimitError> {
        text.parse()
    }
}

impl From<Limits> for String {
    fn from(limits: Limits) -> Self {
        limits.to_string()
    }
}

impl FromStr for Limits {
    type Err = LimitError;

    /// Reads limits with commas between; an empty text has none.
    fn from_str(text: &str) -> Result<Self, LimitError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut start = 0;
        let mut limits = Vec::new();
        for part in text.split(',') {
            limits.push(Limit::parse_at(part, start)?);
            start += part.chars().count() + 1;
        }
        Ok(Self(limits))
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(Limit::to_string).collect();
        f.write_str(&texts.join(","))
    }
}
