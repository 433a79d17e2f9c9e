//! Models that predict a number from an architecture.
//!
//! An architecture is seen as a labelled graph ([`Dag`]), which a [`GraphNetwork`] reads and whose Weisfeiler-Lehman features a Gaussian
//! process does, or as a vector ([`encodings`]), which an [`Ensemble`] reads. [`acquisition`] makes of predictions what to try next.
//! All are functions of their arguments: the same data and the same generator give the same predictions.

pub mod acquisition;
mod adamw;
mod categorical;
mod curve;
mod dag;
pub mod encodings;
mod ensemble;
mod gaussian_process;
mod graph_network;
mod linear;
mod motif;
mod non_negative;
mod transfer;
mod warp;
mod weisfeiler_lehman;

pub use categorical::{AnovaKernel, CategoricalProcess};
pub use curve::CurveModel;
pub use dag::Dag;
pub use ensemble::Ensemble;
pub use gaussian_process::{GaussianProcess, Prediction};
pub use graph_network::{Aim, GraphNetwork};
pub use linear::{Cholesky, Matrix};
pub use motif::{Motif, motifs};
pub use non_negative::non_negative_least_squares;
pub use transfer::{Known, Transfer};
pub use warp::half_rank;
pub use weisfeiler_lehman::{Features, WlProcess, gram};
