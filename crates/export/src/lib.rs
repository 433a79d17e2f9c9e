//! The `export` crate.
