//! One-shot search: sampled sub-networks of one bank of weights.
//!
//! A [`Supernet`] trains the bank, a batch at a time on a sampled sub-network ([`Sampling`]), and may split it into few that
//! cover a part of the space each ([`SplitPlan`]), or leave options out that are worth no more ([`ShrinkPlan`]). A [`Judge`] then tells how good any sub-network is with the weights that it
//! inherits. [`METHODS`] names the published combinations.

mod ahead;
mod controller;
mod dimension;
mod error;
mod estimator;
mod judge;
mod memory;
mod methods;
mod runner;
mod sampling;
mod settings;
mod shrinking;
mod split;
mod statistics;
mod subnetwork;
mod supernet;

pub use controller::{ControllerPlan, Learned, LimitRule, Load};
pub use dimension::intrinsic_dimension;
pub use error::OneShotError;
pub use estimator::InheritedEstimator;
pub use judge::Judge;
pub use memory::{PlannedMemory, planned_memory, step_bytes};
pub use methods::{METHODS, Method, method};
pub(crate) use runner::Runner;
pub use sampling::Admit;
pub use settings::{OneShot, Sampling, ShrinkPlan, SplitBy, SplitPlan, StatisticsOf};
pub use shrinking::divergence;
pub(crate) use split::with_gene;
pub use split::{balanced_cut, similarity};
pub use supernet::{Supernet, Task};
