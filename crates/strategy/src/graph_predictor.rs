//! What strategies with a graph network have in common: how it sees genotypes, and when it is trained.

use crate::Rng;
use crate::graphs::graph;
use crate::model_based::Evidence;
use nasmyth_space::{Genotype, Space};
use nasmyth_surrogate::{Aim, Dag, GraphNetwork, half_rank};
use std::collections::HashMap;
use std::sync::Arc;

/// Graphs that are kept, beyond which they are all made anew.
const CACHED: usize = 20_000;

/// A graph network over genotypes.
pub(crate) struct GraphPredictor {
    aim: Aim,
    graphs: HashMap<Genotype, Arc<Dag>>,
    /// The network, and the number of trials that there were when it was trained.
    trained: Option<(u64, GraphNetwork)>,
}

impl GraphPredictor {
    pub fn new(aim: Aim) -> Self {
        Self { aim, graphs: HashMap::new(), trained: None }
    }

    /// How good the network says that each of the pool is, all in one unknown unit. It is trained anew when there is a tenth more trials
    /// than last time. `None` if there is nothing to learn.
    pub fn predict(&mut self, evidence: &Evidence<'_>, pool: &[Genotype], rng: &mut Rng) -> Option<Vec<f64>> {
        let trials = evidence.known.iter().map(|known| known.trial + 1).max()?;
        if self.trained.as_ref().is_none_or(|(then, _)| 10 * trials >= 11 * then) {
            let values: Vec<f64> = evidence.known.iter().map(|known| known.value).collect();
            let graphs: Vec<Arc<Dag>> =
                evidence.known.iter().map(|known| self.graph(evidence.space, &known.genotype)).collect();
            let network = GraphNetwork::fit(&graphs, &half_rank(&values), self.aim, rng)?;
            self.trained = Some((trials, network));
        }
        let pool: Vec<Arc<Dag>> = pool.iter().map(|genotype| self.graph(evidence.space, genotype)).collect();
        self.trained.as_ref()?.1.predict(&pool)
    }

    fn graph(&mut self, space: &Space, genotype: &Genotype) -> Arc<Dag> {
        if self.graphs.len() > CACHED {
            self.graphs.clear();
        }
        let compute = || Arc::new(graph(space, genotype));
        self.graphs.entry(genotype.clone()).or_insert_with(compute).clone()
    }
}
