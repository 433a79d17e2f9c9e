//! The `train` crate.
