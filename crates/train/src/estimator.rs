//! The estimator that trains: short at first, longer for what is promoted, each rung from the checkpoint of the last.

use crate::{Checkpoint, Recipe, TrainError, Trainer, evaluate_some};
use nasmyth_data::{Dataset, Subset};
use nasmyth_engine::Engine;
use nasmyth_estimator::{Estimate, EstimateError, Estimator, Job};
use std::path::PathBuf;
use std::time::Instant;

/// Validation samples below the highest rung: there judging would take as long as training, and networks differ by more than
/// the 0.5 % that so many samples leave open.
const SAMPLES_BELOW_TOP: usize = 4000;

/// Trains on the training part and judges on the validation part.
pub struct TrainingEstimator<'a> {
    /// What to train on.
    pub data: &'a Dataset,
    /// How.
    pub recipe: Recipe,
    /// Where. Each estimate is the work of one thread.
    pub engine: Engine,
    /// Cumulative epochs of each rung: what a lost checkpoint is trained again by.
    pub ladder: Vec<f64>,
    /// Folder for checkpoints.
    pub checkpoints: PathBuf,
}

impl TrainingEstimator<'_> {
    fn path(&self, hash: u128, rung: u32) -> PathBuf {
        self.checkpoints.join(format!("{hash:032x}-{rung}.checkpoint"))
    }

    fn epochs_at(&self, job: &Job<'_>, rung: u32) -> f64 {
        let own = if rung == job.fidelity.rung { Some(job.fidelity.epochs) } else { None };
        own.or_else(|| self.ladder.get(rung as usize).copied()).unwrap_or(job.fidelity.epochs)
    }

    /// The rung to go on from: the highest below the job's of which a sound checkpoint exists.
    fn resume(&self, job: &Job<'_>, trainer: &mut Trainer) -> u32 {
        for rung in (0..job.fidelity.rung).rev() {
            let loaded = Checkpoint::load(&self.path(job.hash, rung)).ok();
            if loaded.is_some_and(|c| trainer.restore(c)) {
                return rung + 1;
            }
        }
        0
    }

    fn train(&self, job: &Job<'_>) -> Result<Estimate, EstimateError> {
        let start = Instant::now();
        let failed = |e: TrainError| match e {
            TrainError::Interrupted => EstimateError::Interrupted,
            other => EstimateError::failed(other.to_string()),
        };
        let engine = self.engine.single_threaded();
        let mut trainer = Trainer::new(job.arch, self.data, Subset::Train, &self.recipe, job.seed, &engine)
            .map_err(failed)?;
        for rung in self.resume(job, &mut trainer)..=job.fidelity.rung {
            let before = if rung == 0 { 0.0 } else { self.epochs_at(job, rung - 1) };
            let steps = trainer.steps_in(self.epochs_at(job, rung) - before);
            trainer.run(steps, job.stop, &mut |_| ()).map_err(failed)?;
        }
        let top = job.fidelity.rung as usize + 1 >= self.ladder.len();
        let most = if top { usize::MAX } else { SAMPLES_BELOW_TOP };
        let evaluation = evaluate_some(job.arch, trainer.network(), self.data, Subset::Valid, most, &engine)
            .map_err(|e| EstimateError::failed(e.to_string()))?;
        if !top {
            // Nothing goes on from the top. Without the checkpoint a promotion only takes longer.
            let _ = trainer.checkpoint().save(&self.path(job.hash, job.fidelity.rung));
        }
        let value = evaluation.value();
        if !value.is_finite() {
            return Err(EstimateError::failed("the trained network's outputs are not finite"));
        }
        Ok(Estimate { value, metrics: evaluation.figures(), seconds: start.elapsed().as_secs_f64() })
    }
}

impl Estimator for TrainingEstimator<'_> {
    fn estimate(&self, job: &Job<'_>) -> Result<Estimate, EstimateError> {
        self.train(job)
    }
}
