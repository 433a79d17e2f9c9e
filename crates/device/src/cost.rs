//! What a network costs: counted from the graph alone, or on a device.

use nasmyth_graph::VerifiedGraph;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What a cost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number.
    Count,
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    Nanoseconds,
    /// Nanojoules.
    Nanojoules,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Unit::Count => "",
            Unit::Bytes => "bytes",
            Unit::Nanoseconds => "ns",
            Unit::Nanojoules => "nJ",
        })
    }
}

/// A cost that is counted from the graph.
#[derive(Debug)]
pub struct CostKind {
    /// Name in limits, reports and events.
    pub name: &'static str,
    /// What is counted.
    pub unit: Unit,
    /// One line for `--help`.
    pub doc: &'static str,
    /// Where the number comes from.
    pub how: &'static str,
    /// The number.
    pub count: fn(&VerifiedGraph) -> u64,
    /// A number that is cheaper to get and never smaller, where `count` is not cheap.
    pub at_most: Option<fn(&VerifiedGraph) -> u64>,
}

/// Equal names are the same kind.
impl PartialEq for CostKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for CostKind {}

const COUNTED: &str = "counted exactly from the graph";

/// Every cost, cheap ones first.
pub static COSTS: &[CostKind] = &[
    CostKind {
        name: "params",
        unit: Unit::Count,
        doc: "trainable parameters",
        how: COUNTED,
        count: VerifiedGraph::params,
        at_most: None,
    },
    CostKind {
        name: "weights",
        unit: Unit::Bytes,
        doc: "bytes of all parameters and buffers in float32: the size of the weights file",
        how: COUNTED,
        count: VerifiedGraph::weight_bytes,
        at_most: None,
    },
    CostKind {
        name: "macs",
        unit: Unit::Count,
        doc: "multiply-accumulates of convolutions and matrix products for one sample",
        how: COUNTED,
        count: VerifiedGraph::macs,
        at_most: None,
    },
    CostKind {
        name: "activations",
        unit: Unit::Bytes,
        doc: "bytes of all activations of one sample",
        how: COUNTED,
        count: VerifiedGraph::activation_bytes,
        at_most: None,
    },
    CostKind {
        name: "peak-memory",
        unit: Unit::Bytes,
        doc: "most bytes of activations alive at once at inference of one sample",
        how: "planned from the graph: the order of execution that needs the least",
        count: VerifiedGraph::peak_memory,
        at_most: Some(VerifiedGraph::activation_bytes),
    },
];

/// A cost that only a device can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceCost {
    /// Time of one inference of one sample.
    Latency,
    /// Energy of one inference of one sample.
    Energy,
}

impl DeviceCost {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Latency, Self::Energy];

    /// Name in limits, reports and device files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Energy => "energy",
        }
    }

    /// What whole numbers of it count.
    pub fn unit(self) -> Unit {
        match self {
            Self::Latency => Unit::Nanoseconds,
            Self::Energy => Unit::Nanojoules,
        }
    }

    /// One line for `--help`.
    pub fn doc(self) -> &'static str {
        match self {
            Self::Latency => {
                "time of one inference of one sample on a device, in its runtime: latency<=2ms@DEVICE"
            }
            Self::Energy => "energy of one inference of one sample on a device: energy<=5mJ@DEVICE",
        }
    }
}

/// A cost that a [`Limit`](crate::Limit) can bound and an objective can make small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Counted from the graph.
    Counted(&'static CostKind),
    /// Predicted by the model of the device with this name, and measured there.
    OnDevice(DeviceCost, Arc<str>),
}

impl Cost {
    /// What whole numbers of it count.
    pub fn unit(&self) -> Unit {
        match self {
            Self::Counted(kind) => kind.unit,
            Self::OnDevice(cost, _) => cost.unit(),
        }
    }

    /// The device, of a cost that has one.
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::Counted(_) => None,
            Self::OnDevice(_, device) => Some(device),
        }
    }

    /// Place among costs that are asked one after the other: what is cheap to tell first.
    pub(crate) fn effort(&self) -> usize {
        match self {
            Self::Counted(kind) => COSTS.iter().position(|k| k == *kind).unwrap_or(COSTS.len()),
            Self::OnDevice(..) => COSTS.len(),
        }
    }
}

/// `params`, `latency@pi`.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted(kind) => f.write_str(kind.name),
            Self::OnDevice(cost, device) => write!(f, "{}@{device}", cost.name()),
        }
    }
}

/// The names of all costs.
pub(crate) fn cost_names() -> impl Iterator<Item = &'static str> {
    COSTS.iter().map(|kind| kind.name).chain(DeviceCost::ALL.map(DeviceCost::name))
}

/// The name of a cost that is closest to this one, if one is close.
pub(crate) fn nearest_cost(name: &str) -> Option<&'static str> {
    let distance = |known: &&str| strsim::damerau_levenshtein(known, name);
    cost_names().min_by_key(distance).filter(|known| distance(known) <= 3)
}

/// The kind with this name.
pub fn cost_named(name: &str) -> Option<&'static CostKind> {
    COSTS.iter().find(|kind| kind.name == name)
}

/// Costs of one network by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Costs(pub BTreeMap<String, u64>);

impl Costs {
    /// Every cost of [`COSTS`]: what a graph tells alone.
    pub fn of(graph: &VerifiedGraph) -> Self {
        Self(COSTS.iter().map(|kind| (kind.name.to_owned(), (kind.count)(graph))).collect())
    }

    /// The cost with this name.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }
}
