//! Sub-networks, compiled.

use super::{OneShotError, Task};
use crate::{Address, Bank, Partition, Slots, addresses};
use nasmyth_engine::{Engine, ParamLayout, Program};
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::{Genotype, Space};
use nasmyth_train::{Recipe, training_program};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Compiled sub-networks that are kept.
const KEPT: usize = 256;

/// The network of a genotype, and where its weights are found.
pub(crate) struct SubNetwork {
    pub graph: VerifiedGraph,
    pub layout: Arc<ParamLayout>,
    pub addresses: Vec<Address>,
}

impl SubNetwork {
    pub fn new(space: &Space, partition: &Partition, genotype: &Genotype) -> Result<Self, OneShotError> {
        let graph = space.lower(genotype)?.verify()?;
        Ok(Self::of(graph, space, partition, genotype))
    }

    /// The same where the graph of the genotype is at hand.
    pub fn of(graph: VerifiedGraph, space: &Space, partition: &Partition, genotype: &Genotype) -> Self {
        let layout = Arc::new(ParamLayout::of(&graph));
        let part = partition.part(space, genotype);
        let addresses = addresses(&graph, &layout, |node| partition.of_layer(node, &part));
        Self { graph, layout, addresses }
    }
}

/// A sub-network that can be trained.
pub(crate) struct Compiled {
    pub graph: VerifiedGraph,
    pub layout: Arc<ParamLayout>,
    pub slots: Slots,
    pub program: Program,
}

/// The sub-networks that were compiled last. They are kept by genotype: networks that are equal up to the names of their layers have one
/// canonical hash, but weights at different addresses.
#[derive(Default)]
pub(crate) struct Cache {
    known: BTreeMap<Genotype, Arc<Compiled>>,
    order: VecDeque<Genotype>,
}

impl Cache {
    pub fn get(&self, genotype: &Genotype) -> Option<Arc<Compiled>> {
        self.known.get(genotype).cloned()
    }

    /// Keeps a sub-network, and forgets the oldest if there are many; the one that is forgotten.
    #[must_use]
    pub fn keep(&mut self, genotype: &Genotype, compiled: Arc<Compiled>) -> Option<Arc<Compiled>> {
        let full = self.order.len() >= KEPT;
        let oldest = full.then(|| self.order.pop_front()).flatten();
        self.order.push_back(genotype.clone());
        self.known.insert(genotype.clone(), compiled);
        self.known.remove(&oldest?)
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A sub-network that is compiled, but has no weights yet.
pub(crate) struct Ready {
    pub genotype: Genotype,
    network: SubNetwork,
    program: Program,
}

impl Ready {
    pub fn new(
        task: Task<'_>,
        partition: &Partition,
        genotype: Genotype,
        recipe: &Recipe,
        engine: &Engine,
    ) -> Result<Self, OneShotError> {
        let network = SubNetwork::new(task.space, partition, &genotype)?;
        let program = training_program(&network.graph, task.data, recipe, engine)?;
        Ok(Self { genotype, network, program })
    }

    pub fn bind(self, bank: &mut Bank) -> Compiled {
        let Self { network: SubNetwork { graph, layout, addresses }, program, .. } = self;
        Compiled { slots: bank.bind(&addresses, &layout), graph, layout, program }
    }
}
