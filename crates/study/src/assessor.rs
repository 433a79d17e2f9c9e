//! From genotypes to what a search needs to know before it trains them.

use nasmyth_device::{Costs, Limit, Limits, Meter, Objectives};
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
    objectives: Objectives,
    meter: Meter,
    costs: Memory<Vec<f64>>,
    violations: Memory<f64>,
    hashes: Memory<u128>,
}

impl Assessor {
    pub(crate) fn new(space: Space, limits: Limits, meter: Meter) -> Self {
        let (violations, hashes) = (Memory::default(), Memory::default());
        Self {
            space,
            limits,
            objectives: Objectives::default(),
            meter,
            costs: Memory::default(),
            violations,
            hashes,
        }
    }

    pub(crate) fn with_objectives(self, objectives: Objectives) -> Self {
        Self { objectives, ..self }
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
            Ok(graph) => self.limits.violation(&graph, &self.meter),
            Err(_) => f64::INFINITY,
        })
    }

    /// The objectives beside the value; infinity where there is no network.
    pub(crate) fn costs(&self, genotype: &Genotype) -> Vec<f64> {
        if self.objectives.single() {
            return Vec::new();
        }
        self.costs.recall(genotype, || match self.graph(genotype) {
            Ok(graph) => self.objectives.of(&graph, &self.meter),
            Err(_) => vec![f64::INFINITY; self.objectives.0.len()],
        })
    }

    /// Every cost of a network that is known before it is trained; none where there is no network.
    pub(crate) fn all_costs(&self, genotype: &Genotype) -> Costs {
        let on_devices = || self.limits.on_devices().chain(self.objectives.on_devices());
        self.graph(genotype).map(|graph| self.meter.costs(&graph, on_devices())).unwrap_or_default()
    }

    /// Replaces the limits: what was known of them is forgotten.
    pub(crate) fn tighten(&mut self, limits: Limits) {
        self.limits = limits;
        self.violations = Memory::default();
    }

    /// Why nobody can tell what a network costs.
    pub(crate) fn untold(&self, limit: &Limit, graph: &VerifiedGraph) -> String {
        self.meter.tell(&limit.cost, graph).err().map_or_else(String::new, |error| error.to_string())
    }

    /// What a network breaks.
    pub(crate) fn broken(&self, limit: &Limit, graph: &VerifiedGraph) -> Option<u64> {
        limit.broken_by(graph, &self.meter)
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
        let broken: Vec<String> =
            self.limits.check(&graph, &self.meter).iter().map(ToString::to_string).collect();
        if broken.is_empty() { Ok(graph) } else { Err(broken.join("; ")) }
    }
}

/// Answers by genotype.
#[derive(Default)]
struct Memory<T>(RefCell<HashMap<Genotype, T>>);

impl<T: Clone> Memory<T> {
    fn recall(&self, genotype: &Genotype, answer: impl FnOnce() -> T) -> T {
        if let Some(known) = self.0.borrow().get(genotype) {
            return known.clone();
        }
        let answer = answer();
        let mut known = self.0.borrow_mut();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(genotype.clone(), answer.clone());
        answer
    }
}
