//! The `space` crate.
