//! What to try next.
//!
//! A [`Strategy`] proposes genotypes and is told how good they are; a [`Scheduler`] wraps it and decides how much effort
//! each of them gets. Both are deterministic: the same seed and the same results give the same trials.
//! To add one, write one file in `strategies/` or `schedulers/` and add a line to the list there.

mod begin_with;
mod candidates;
mod cell_encoding;
mod cells;
pub mod conformance;
mod error;
mod feasible;
mod flow;
mod graph_predictor;
mod graph_process;
mod graphs;
mod model_based;
mod opening;
pub mod pareto;
mod parzen;
mod policy;
mod prefix;
mod regression;
mod rungs;
mod scheduler;
pub mod schedulers;
mod settings;
pub mod strategies;
mod strategy;
mod trust_region;
mod value_model;

pub use begin_with::BeginWith;
pub use error::StrategyError;
pub use feasible::{distinct, feasible_near, feasible_sample, feasible_walk, smallest};
pub use nasmyth_estimator::Fidelity;
pub use nasmyth_space::Rng;
pub use policy::{Baseline, Policy};
pub use scheduler::{Next, Scheduler, Task};
pub use schedulers::{SCHEDULERS, SchedulerKind, scheduler_named};
pub use settings::{Setting, SettingKind, SettingValue, Settings};
pub use strategies::{STRATEGIES, StrategyKind, strategy_named};
pub use strategy::{Completed, Origin, Problem, Proposal, Strategy, no_costs};
