//! Sub-networks, compiled.

use super::OneShotError;
use crate::{Address, Bank, Partition, Slots, addresses};
use nasmyth_data::Dataset;
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

    /// Keeps a sub-network, and forgets the oldest if there are many.
    pub fn keep(&mut self, genotype: &Genotype, compiled: Arc<Compiled>) {
        let full = self.order.len() >= KEPT;
        if let Some(oldest) = full.then(|| self.order.pop_front()).flatten() {
            self.known.remove(&oldest);
        }
        self.order.push_back(genotype.clone());
        self.known.insert(genotype.clone(), compiled);
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Compiled {
    pub fn new(
        network: SubNetwork,
        bank: &mut Bank,
        data: &Dataset,
        recipe: &Recipe,
        engine: &Engine,
    ) -> Result<Self, OneShotError> {
        let program = training_program(&network.graph, data, recipe, engine)?;
        let slots = bank.bind(&network.addresses, &network.layout);
        Ok(Self { graph: network.graph, layout: network.layout, slots, program })
    }
}
