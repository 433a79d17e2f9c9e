//! The networks that a model was fitted to, and how far it is to be trusted beyond them.

use super::Sample;
use crate::{Operator, operators};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// How much smaller or larger than any measured one an operator may be: one step of the sizes of a [`Lookup`](super::Lookup).
const SIZES: f64 = 4.0;
/// How much less or more than any measured network a network may take.
const TIMES: f64 = 2.0;

/// Kinds and sizes of the operators of measured networks, and the times of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Shortest and longest time, in seconds (of a model of energy the least and most, in joules).
    seconds: [f64; 2],
    /// For each kind of operator the smallest and the largest size.
    operators: BTreeMap<String, [f64; 2]>,
}

/// Why a network is beyond what a model was fitted to.
#[derive(Clone, Debug, PartialEq)]
pub enum Beyond {
    /// It has an operator that no measured network had.
    Kind(String),
    /// It has an operator that is much smaller or larger than those of its kind that were measured.
    Size(String),
    /// It takes much less or more than any measured network.
    Time,
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "no measured network had a `{kind}`"),
            Self::Size(kind) => write!(f, "no measured network had a `{kind}` of that size"),
            Self::Time => write!(f, "no measured network took that little or that much"),
        }
    }
}

impl Range {
    /// That of these networks; `None` without networks.
    pub fn of(samples: &[Sample<'_>]) -> Option<Self> {
        let wider = |range: &mut [f64; 2], value: f64| *range = [range[0].min(value), range[1].max(value)];
        let mut seconds = [samples.first()?.seconds; 2];
        let mut kinds: BTreeMap<String, [f64; 2]> = BTreeMap::new();
        for sample in samples {
            wider(&mut seconds, sample.seconds);
            for operator in operators(sample.graph) {
                let size = operator.size();
                wider(kinds.entry(operator.kind).or_insert([size; 2]), size);
            }
        }
        Some(Self { seconds, operators: kinds })
    }

    /// Whether a network, with these operators and this predicted time, is beyond it.
    pub fn beyond(&self, operators: &[Operator], seconds: f64) -> Option<Beyond> {
        let outside =
            |[least, most]: [f64; 2], value: f64, slack: f64| value < least / slack || value > most * slack;
        let unknown = operators.iter().find(|o| !self.operators.contains_key(&o.kind));
        let odd = || operators.iter().find(|o| outside(self.operators[&o.kind], o.size(), SIZES));
        match unknown {
            Some(operator) => Some(Beyond::Kind(operator.kind.clone())),
            None => match odd() {
                Some(operator) => Some(Beyond::Size(operator.kind.clone())),
                None => outside(self.seconds, seconds, TIMES).then_some(Beyond::Time),
            },
        }
    }
}
