//! Training: recipes, the trainer, and the estimator that trains candidates.

mod checkpoint;
mod estimator;
mod feed;
mod memory;
mod metrics;
mod recipe;
mod schedule;
mod trainer;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use estimator::TrainingEstimator;
pub use feed::Feed;
pub use memory::memory_share;
pub use metrics::{Classified, Evaluation, Regressed, evaluate, evaluate_some, predict};
pub use nasmyth_engine::{Moments, Optimizer, OptimizerKind};
pub use recipe::Recipe;
pub use schedule::cosine;
pub use trainer::{Progress, TrainError, Trainer, initial_params, set_statistics, training_program};
