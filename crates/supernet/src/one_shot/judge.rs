//! How good sub-networks are with the weights that they inherit.

use super::statistics::recalibrate;
use super::subnetwork::SubNetwork;
use super::{OneShot, OneShotError, StatisticsOf, Task};
use crate::{Bank, Partition};
use nasmyth_data::Subset;
use nasmyth_engine::{Engine, ParamStore};
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::Genotype;
use nasmyth_train::{Evaluation, TrainError, evaluate_some, set_statistics};

/// Judges sub-networks of a trained super-network, each on one thread. Shared by threads; an answer is a function of the weights
/// and the genotype.
pub struct Judge<'a> {
    pub(crate) task: Task<'a>,
    pub(crate) settings: &'a OneShot,
    pub(crate) partition: &'a Partition,
    pub(crate) bank: &'a Bank,
    pub(crate) engine: Engine,
}

impl Judge<'_> {
    /// The network of a genotype with inherited weights, statistics measured as the settings say.
    ///
    /// # Errors
    /// A genotype that has no network in the space, or a network that does not fit the data.
    pub fn network(&self, genotype: &Genotype) -> Result<(VerifiedGraph, ParamStore<f32>), OneShotError> {
        self.inherit(SubNetwork::new(self.task.space, self.partition, genotype)?)
    }

    /// Quality of a genotype's network on at most `most` samples of the validation part.
    ///
    /// # Errors
    /// As [`network`](Self::network).
    pub fn judge(&self, genotype: &Genotype, most: usize) -> Result<Evaluation, OneShotError> {
        let network = SubNetwork::new(self.task.space, self.partition, genotype)?;
        self.judge_network(network, most)
    }

    pub(crate) fn judge_network(&self, network: SubNetwork, most: usize) -> Result<Evaluation, OneShotError> {
        let (graph, params) = self.inherit(network)?;
        let data = self.task.data;
        let evaluation = evaluate_some(&graph, &params, data, Subset::Valid, most, &self.engine);
        Ok(evaluation.map_err(TrainError::from)?)
    }

    fn inherit(&self, network: SubNetwork) -> Result<(VerifiedGraph, ParamStore<f32>), OneShotError> {
        let SubNetwork { graph, layout, addresses } = network;
        let mut params = self.bank.inherited(&addresses, &layout);
        let Task { data, recipe, seed, .. } = self.task;
        set_statistics(&mut params, &graph, data.statistics());
        let subset = match self.settings.statistics {
            StatisticsOf::Training => Subset::Train,
            StatisticsOf::Judged => Subset::Valid,
            StatisticsOf::Running => return Ok((graph, params)),
        };
        let how = (recipe, self.settings.calibration, seed);
        recalibrate(&graph, &mut params, data, subset, how, &self.engine)?;
        Ok((graph, params))
    }
}
