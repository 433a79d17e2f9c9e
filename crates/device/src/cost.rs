//! The costs that are counted from the graph alone.

use nasmyth_graph::VerifiedGraph;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What a cost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number.
    Count,
    /// Bytes.
    Bytes,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Unit::Count => "",
            Unit::Bytes => "bytes",
        })
    }
}

/// A cost that a [`Limit`](crate::Limit) can bound.
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

/// The kind with this name.
pub fn cost_named(name: &str) -> Option<&'static CostKind> {
    COSTS.iter().find(|kind| kind.name == name)
}

/// Costs of one network by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Costs(pub BTreeMap<String, u64>);

impl Costs {
    /// Every cost of [`COSTS`].
    pub fn of(graph: &VerifiedGraph) -> Self {
        Self(COSTS.iter().map(|kind| (kind.name.to_owned(), (kind.count)(graph))).collect())
    }

    /// The cost with this name.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }
}
