//! What a search is to make as good as possible beside the quality of the network.

use crate::cost::{cost_names, nearest_cost};
use crate::{Cost, Costs, DeviceCost, Meter, cost_named};
use nasmyth_graph::VerifiedGraph;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The objective that is always there and always first.
const QUALITY: &str = "accuracy";
/// Objectives beyond which no two networks dominate each other any more.
const MOST: usize = 4;

/// Costs that are to be small, beside the quality that is to be high; written `accuracy,params,latency@pi`. Usually none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Objectives(pub Vec<Cost>);

/// Objectives that cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ObjectivesError {
    /// No such cost.
    #[error("objective `{got}` is neither `accuracy` nor a cost{}; the costs are {}", nearest.map(|n| format!(": did you mean `{n}`?")).unwrap_or_default(), cost_names().collect::<Vec<_>>().join(", "))]
    Unknown {
        /// The word that was written.
        got: String,
        /// The closest name, if one is close.
        nearest: Option<&'static str>,
    },
    /// A device for what is the same on every device, or none where it takes one.
    #[error(
        "objective `{0}`: latency and energy are those of a device, as in `latency@this`, and other costs are not"
    )]
    Device(String),
    /// A word that is there twice.
    #[error("objective `{0}` is named twice")]
    Twice(String),
    /// Too many.
    #[error("expected at most {MOST} costs as objectives, got {0}: make some of them limits")]
    Many(usize),
}

impl Objectives {
    /// Whether quality is the only one.
    pub fn single(&self) -> bool {
        self.0.is_empty()
    }

    /// The costs of a network; infinity where a device's model cannot tell.
    pub fn of(&self, graph: &VerifiedGraph, meter: &Meter) -> Vec<f64> {
        let value = |cost| meter.tell(cost, graph).map_or(f64::INFINITY, |amount| amount.value as f64);
        self.0.iter().map(value).collect()
    }

    /// The same from costs that are counted already; infinity for one that is not among them.
    pub fn among(&self, costs: &Costs) -> Vec<f64> {
        let value = |cost: &Cost| costs.get(&cost.to_string()).map_or(f64::INFINITY, |value| value as f64);
        self.0.iter().map(value).collect()
    }

    /// The costs that devices have to tell.
    pub fn on_devices(&self) -> impl Iterator<Item = &Cost> {
        self.0.iter().filter(|cost| cost.device().is_some())
    }
}

/// `params`, `latency@pi`.
fn cost_of(word: &str) -> Result<Cost, ObjectivesError> {
    let (name, device) = word.split_once('@').map_or((word, None), |(name, device)| (name, Some(device)));
    let on_device = DeviceCost::ALL.into_iter().find(|cost| cost.name() == name);
    match (cost_named(name), on_device, device) {
        (Some(kind), _, None) => Ok(Cost::Counted(kind)),
        (None, Some(cost), Some(device)) if !device.is_empty() => Ok(Cost::OnDevice(cost, device.into())),
        (None, None, _) => {
            Err(ObjectivesError::Unknown { got: word.to_owned(), nearest: nearest_cost(name) })
        }
        _ => Err(ObjectivesError::Device(word.to_owned())),
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
        let costs =
            words.into_iter().filter(|w| *w != QUALITY).map(cost_of).collect::<Result<Vec<_>, _>>()?;
        if costs.len() > MOST { Err(ObjectivesError::Many(costs.len())) } else { Ok(Self(costs)) }
    }
}

impl fmt::Display for Objectives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(QUALITY)?;
        self.0.iter().try_for_each(|cost| write!(f, ",{cost}"))
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
        let latency: Objectives = "accuracy,latency@pi".parse().unwrap();
        assert_eq!((latency.to_string().as_str(), latency.on_devices().count()), ("accuracy,latency@pi", 1));
        for text in ["latency", "params@pi", "energy@"] {
            assert_eq!(text.parse::<Objectives>(), Err(ObjectivesError::Device(text.to_owned())));
        }
        assert_eq!("macs,macs".parse::<Objectives>(), Err(ObjectivesError::Twice("macs".to_owned())));
        assert!("params,weights,macs,activations,peak-memory".parse::<Objectives>().is_err());
    }
}
