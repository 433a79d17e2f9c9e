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
    violations: Memory<f64>,
    hashes: Memory<u128>,
}

impl Assessor {
    pub(crate) fn new(space: Space, limits: Limits) -> Self {
        Self { space, limits, violations: Memory::default(), hashes: Memory::default() }
    }

    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    /// The network, or why there is none.
    pub(crate) fn graph(&self, genotype: &Genotype) -> Result<VerifiedGraph, String> {
        let graph = self.space.lower(genotype).map_err(|error| error.to_string())?;
        graph.verify().map_err(|error| error.to_string())
    }

    /// How far the genotype is from keeping the limits: 0 is feasible, infinity does not lower.
    pub(crate) fn violation(&self, genotype: &Genotype) -> f64 {
        self.violations.recall(genotype, || match self.graph(genotype) {
            Ok(graph) => self.limits.violation(&graph),
            Err(_) => f64::INFINITY,
        })
    }

    /// Canonical hash of the graph; of the genotype's text where there is no graph.
    pub(crate) fn hash(&self, genotype: &Genotype) -> u128 {
        self.hashes.recall(genotype, || match self.graph(genotype) {
            Ok(graph) => graph.canonical_hash(),
            Err(_) => xxh3_128(genotype.to_string().as_bytes()),
        })
    }

    /// The feasible network, or why the genotype cannot be tried.
    pub(crate) fn feasible_graph(&self, genotype: &Genotype) -> Result<VerifiedGraph, String> {
        let graph = self.graph(genotype)?;
        let broken: Vec<String> = self.limits.check(&graph).iter().map(ToString::to_string).collect();
        if broken.is_empty() { Ok(graph) } else { Err(broken.join("; ")) }
    }
}

/// Answers by genotype.
#[derive(Default)]
struct Memory<T>(RefCell<HashMap<Genotype, T>>);

impl<T: Copy> Memory<T> {
    fn recall(&self, genotype: &Genotype, answer: impl FnOnce() -> T) -> T {
        if let Some(known) = self.0.borrow().get(genotype) {
            return *known;
        }
        let answer = answer();
        let mut known = self.0.borrow_mut();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(genotype.clone(), answer);
        answer
    }
}
