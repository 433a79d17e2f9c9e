//! The `estimator` crate.
