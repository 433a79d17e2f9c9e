//! The engine: compiles a verified graph once into a plan (kernel calls over one arena) and then trains or runs it.
//!
//! A [`Plan`] fixes the batch, the schedule and the place of every value before the first step; a step allocates nothing
//! and takes no lock. All kernels are generic over `f32` and `f64`: the second is for checking gradients.

mod arena;
mod fold_batch_norm;
mod kernels;
mod loss;
mod matmul;
mod params;
mod plan;
mod real;
mod schedule;

pub use arena::Arena;
pub use fold_batch_norm::fold_batch_norm;
pub use loss::Loss;
pub use params::{ParamEntry, ParamLayout, ParamStore};
pub use plan::{EngineError, Mode, Plan};
pub use real::{Real, vectorized};
