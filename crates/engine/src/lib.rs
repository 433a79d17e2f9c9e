//! The engine: compiles a verified graph once into a plan (kernel calls over one arena) and then trains or runs it.
//!
//! A [`Plan`] fixes the batch, the schedule and the place of every value before the first step; a step allocates nothing
//! and takes no lock. All kernels are generic over `f32` and `f64`: the second is for checking gradients.
//!
//! An [`Engine`] is one interface to that and to GPUs, for which the Cargo features `cuda` and `wgpu` add a backend on Burn.

mod arena;
mod backend;
mod crew;
mod engine;
mod fold_batch_norm;
#[cfg(feature = "burn")]
mod gpu;
mod kernels;
mod levels;
mod loss;
mod lower;
mod matmul;
mod optimizer;
mod params;
mod place;
mod plan;
mod profile;
mod real;
mod reparametrise;
mod schedule;
mod scheduler;
mod simd;

pub use arena::Arena;
pub use backend::{Backend, BackendError};
pub use crew::Crew;
pub use engine::{Engine, Memory, Program};
pub use fold_batch_norm::fold_batch_norm;
pub use loss::Loss;
pub use optimizer::{Moments, Optimizer, OptimizerKind, clip, sum_of_squares};
pub use params::{ParamEntry, ParamLayout, ParamStore, initialize};
pub use plan::{EngineError, Mode, Options, Plan};
pub use profile::Entry;
pub use real::Real;
pub use reparametrise::reparametrise;
pub use simd::{SIMD_VARIABLE, simd_name, vectorized};
