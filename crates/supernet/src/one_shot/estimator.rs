//! Inherited weights as an estimator.

use super::subnetwork::SubNetwork;
use super::{Judge, OneShotError};
use nasmyth_estimator::{Estimate, EstimateError, Estimator, Job};
use nasmyth_train::TrainError;
use std::time::Instant;

/// Answers with the quality that a network has with the weights of a trained super-network. Needs the genotype of a job.
pub struct InheritedEstimator<'a> {
    /// What judges.
    pub judge: Judge<'a>,
}

impl Estimator for InheritedEstimator<'_> {
    fn estimate(&self, job: &Job<'_>) -> Result<Estimate, EstimateError> {
        let start = Instant::now();
        if job.stop.stopped() {
            return Err(EstimateError::Interrupted);
        }
        let failed = |e: OneShotError| match e {
            OneShotError::Train(TrainError::Interrupted) => EstimateError::Interrupted,
            other => EstimateError::failed(other.to_string()),
        };
        let Judge { task, partition, .. } = &self.judge;
        let genotype = task.space.parse(job.genotype).map_err(|e| failed(e.into()))?;
        let network = SubNetwork::of(job.arch.clone(), task.space, partition, &genotype);
        let evaluation = self.judge.judge_network(network, usize::MAX).map_err(failed)?;
        let value = evaluation.value();
        if !value.is_finite() {
            return Err(EstimateError::failed(
                "the outputs of the network with inherited weights are not finite",
            ));
        }
        Ok(Estimate { value, metrics: evaluation.figures(), seconds: start.elapsed().as_secs_f64() })
    }
}
