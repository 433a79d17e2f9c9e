//! The run of a search: budget, workers, store, resume, events.
//!
//! A [`Study`] keeps an append-only log of [`Event`]s in its run folder; its [`State`] is a fold over them. Trials are
//! asked and told in a fixed order, so the same seed gives the same trials whatever the number of workers, and a run that
//! was killed at any moment resumes to the same result.

mod assessor;
mod clock;
mod config;
mod error;
mod event;
mod feasibility;
mod lock;
mod panics;
mod pool;
mod query;
mod run;
mod state;
mod store;
pub mod stores;
mod study;

pub use config::{Budget, Method, Methods, Provenance, StudyConfig};
pub use error::StudyError;
pub use event::{Event, GraphHash, Record, Refutation, StopReason};
pub use feasibility::{Infeasible, feasibility};
pub use lock::RunLock;
pub use state::{State, Status, Trial};
pub use store::{SCHEMA, Store, StoreError};
pub use study::{Changes, LOCK_FILE, STORE_FILE, Study};
