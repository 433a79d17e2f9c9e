//! Benchmarks on which strategies are judged without training anything: tables of measured networks, planted spaces and functions with
//! a known optimum, and the protocol of the comparison.
//!
//! A [`Benchmark`] answers a strategy with a *signal* (a recorded validation value) and shows only the report the *score* (the
//! test value). [`replay`] runs one strategy with one seed, [`compare`] many with many. [`evaluate_devices`] judges predictors of
//! latency on columns of a table.

mod benchmark;
mod builtin;
mod bytes;
mod compare;
mod constrained;
mod curve;
mod devices;
mod error;
mod functions;
mod import;
mod key;
mod network;
mod objectives;
mod planted;
mod replay;
mod rows;
mod sources;
pub mod statistics;
mod table;
mod task;

pub use benchmark::Benchmark;
pub use builtin::{BUILTIN, Builtin};
pub use compare::{Comparison, Contender, Contest, Pair, Summary, compare};
pub use constrained::{Constrained, ConstrainedSize};
pub use curve::{Curve, Moment};
pub use devices::{DeviceProtocol, DeviceResult, FewShot, evaluate_devices};
pub use error::BenchError;
pub use functions::{FUNCTIONS, Function, FunctionKind};
pub use import::{ImportOptions, import};
pub use network::cell_classes;
pub use planted::Planted;
pub use replay::{Budget, Evaluation, Identity, Replay, replay};
pub use rows::Rows;
pub use sources::{SOURCES, Source};
pub use table::Table;
pub use task::{Signals, Task, TaskBenchmark};
