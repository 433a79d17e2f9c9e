//! What a search is to make as good as possible beside the quality of the network.

use crate::{COSTS, CostKind, Costs, cost_named};
use nasmyth_graph::VerifiedGraph;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The objective that is always there and always first.
const QUALITY: &str = "accuracy";
/// Objectives beyond which no two networks dominate each other any more.
const MOST: usize = 4;

/// Costs that are to be small, beside the quality that is to be high; written `accuracy,params`. Usually none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Objectives(pub Vec<&'static CostKind>);

/// Objectives that cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ObjectivesError {
    /// No such cost.
    #[error("objective `{got}` is neither `accuracy` nor a cost{}; the costs are {}", nearest.map(|n| format!(": did you mean `{n}`?")).unwrap_or_default(), names())]
    Unknown {
        /// The word that was written.
        got: String,
        /// The closest name, if one is close.
        nearest: Option<&'static str>,
    },
    /// A word that is there twice.
    #[error("objective `{0}` is named twice")]
    Twice(String),
    /// Too many.
    #[error("expected at most {MOST} costs as objectives, got {0}: make some of them limits")]
    Many(usize),
}

fn names() -> String {
    COSTS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
}

impl Objectives {
    /// Whether quality is the only one.
    pub fn single(&self) -> bool {
        self.0.is_empty()
    }

    /// The costs of a network.
    pub fn of(&self, graph: &VerifiedGraph) -> Vec<f64> {
        self.0.iter().map(|kind| (kind.count)(graph) as f64).collect()
    }

    /// The same from costs that are counted already; infinity for one that is not among them.
    pub fn among(&self, costs: &Costs) -> Vec<f64> {
        self.0.iter().map(|kind| costs.get(kind.name).map_or(f64::INFINITY, |cost| cost as f64)).collect()
    }
}

impl FromStr for Objectives {
    type Err = ObjectivesError;

    fn from_str(text: &str) -> Result<Self, ObjectivesError> {
        let mut words: Vec<&str> = Vec::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            if words.contains(&word) {
                return Err(ObjectivesError::Twice(word.to_owned()));
            }
            words.push(word);
        }
        let kind = |word: &str| {
            cost_named(word).ok_or_else(|| {
                let likeness = |kind: &&CostKind| strsim::damerau_levenshtein(kind.name, word);
                let nearest = COSTS.iter().min_by_key(likeness).filter(|kind| likeness(kind) <= 3);
                ObjectivesError::Unknown { got: word.to_owned(), nearest: nearest.map(|kind| kind.name) }
            })
        };
        let kinds = words.into_iter().filter(|w| *w != QUALITY).map(kind).collect::<Result<Vec<_>, _>>()?;
        if kinds.len() > MOST { Err(ObjectivesError::Many(kinds.len())) } else { Ok(Self(kinds)) }
    }
}

impl fmt::Display for Objectives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(QUALITY)?;
        self.0.iter().try_for_each(|kind| write!(f, ",{}", kind.name))
    }
}

impl TryFrom<String> for Objectives {
    type Error = ObjectivesError;

    fn try_from(text: String) -> Result<Self, ObjectivesError> {
        text.parse()
    }
}

impl From<Objectives> for String {
    fn from(objectives: Objectives) -> Self {
        objectives.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_and_mistakes_are_named() {
        let two: Objectives = "params, accuracy,macs".parse().unwrap();
        assert_eq!((two.to_string().as_str(), two.0.len()), ("accuracy,params,macs", 2));
        assert_eq!(two.to_string().parse::<Objectives>().unwrap(), two);
        assert!("".parse::<Objectives>().unwrap().single());
        let unknown = "accuracy,parms".parse::<Objectives>().unwrap_err();
        assert_eq!(unknown, ObjectivesError::Unknown { got: "parms".to_owned(), nearest: Some("params") });
        assert_eq!("macs,macs".parse::<Objectives>(), Err(ObjectivesError::Twice("macs".to_owned())));
        assert!("params,weights,macs,activations,peak-memory".parse::<Objectives>().is_err());
    }
}
