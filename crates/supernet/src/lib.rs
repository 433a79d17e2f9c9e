//! Weight sharing: one bank of weights for all networks of a space, one-shot and differentiable search.

mod address;
mod bank;
mod checkpoint;
pub mod one_shot;
mod partition;
pub mod relaxed;
pub mod sanity;

pub use address::{Address, Part, addresses};
pub use bank::{Bank, Gradients, Slots, Step};
pub use checkpoint::{BankCheckpoint, CheckpointError};
pub use partition::{Partition, Split};
