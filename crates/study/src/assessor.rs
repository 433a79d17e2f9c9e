//! From genotypes to what a search needs to know before it trains them.

use nasmyth_device::Limits;
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::{Genotype, Space};
use std::cell::RefCell;
use std::collections::HashMap;
use xxhash_rust::xxh3::xxh3_128;

/// Genotypes remembered; beyond it all are forgotten, which costs time only.
const REMEMBERED: usize = 200_000;

/// Lowers genotypes and checks them against the limits; remembers the answers.
pub(crate) struct Assessor {
    space: Space,
    limits: Limits,
    known: RefCell<HashMap<Genotype, Assessed>>,
}

/// What is known of a genotype.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assessed {
    /// 0 is feasible, infinity does not lower.
    pub(crate) violation: f64,
    /// Canonical hash of the graph; of the genotype's text where there is no graph.
    pub(crate) hash: u128,
}

impl Assessor {
    pub(crate) fn new(space: Space, limits: Limits) -> Self {
        Self { space, limits, known: RefCell::default() }
    }

    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    /// The network, or why there is none.
    pub(crate) fn graph(&self, genotype: &Genotype) -> Result<VerifiedGraph, String> {
        let graph = self.space.lower(genotype).map_err(|error| error.to_string())?;
        graph.verify().map_err(|error| error.to_string())
    }

    pub(crate) fn assess(&self, genotype: &Genotype) -> Assessed {
        if let Some(assessed) = self.known.borrow().get(genotype) {
            return *assessed;
        }
        let assessed = match self.graph(genotype) {
            Ok(graph) => Assessed { violation: self.limits.violation(&graph), hash: graph.canonical_hash() },
            Err(_) => Assessed { violation: f64::INFINITY, hash: xxh3_128(genotype.to_string().as_bytes()) },
        };
        let mut known = self.known.borrow_mut();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(genotype.clone(), assessed);
        assessed
    }

    /// The feasible network, or why the genotype cannot be tried.
    pub(crate) fn feasible_graph(&self, genotype: &Genotype) -> Result<VerifiedGraph, String> {
        let graph = self.graph(genotype)?;
        let broken: Vec<String> = self.limits.check(&graph).iter().map(ToString::to_string).collect();
        if broken.is_empty() { Ok(graph) } else { Err(broken.join("; ")) }
    }
}
