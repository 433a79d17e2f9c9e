//! Models that predict a number from an architecture.
//!
//! An architecture is seen as a labelled graph ([`Dag`]), which a [`GraphNetwork`] and the kernels ([`Family`]) of a Gaussian process read,
//! as its genes ([`MixedPoint`]), which another kernel does, or as a vector ([`encodings`]), which an [`Ensemble`] reads. [`acquisition`]
//! makes of predictions what to try next.
//! All are functions of their arguments: the same data and the same generator give the same predictions.

pub mod acquisition;
mod categorical;
mod curve;
mod dag;
pub mod encodings;
mod ensemble;
mod gaussian_process;
mod graph_network;
pub mod k_dpp;
mod kernel;
mod linear;
mod mixed_kernel;
mod motif;
mod non_negative;
mod path_kernel;
mod transfer;
mod tree_wasserstein;
mod warp;
mod weisfeiler_lehman;

pub use categorical::{AnovaKernel, CategoricalProcess};
pub use curve::CurveModel;
pub use dag::Dag;
pub use ensemble::Ensemble;
pub use gaussian_process::{GaussianProcess, Prediction};
pub use graph_network::{Aim, GraphNetwork};
pub use kernel::{Comparison, Family, Kernel, KernelProcess, common};
pub use linear::{Cholesky, Matrix, dot};
pub use mixed_kernel::{MixedKernel, MixedPoint};
pub use motif::{Motif, motifs};
/// The update rule, for strategies that train small networks of their own.
pub use nasmyth_engine::{Optimizer, OptimizerKind};
pub use non_negative::non_negative_least_squares;
pub use path_kernel::PathKernel;
pub use transfer::{Known, Transfer};
pub use tree_wasserstein::{Transport, TreeWasserstein};
pub use warp::half_rank;
pub use weisfeiler_lehman::{Features, WeisfeilerLehman, WlProcess};
