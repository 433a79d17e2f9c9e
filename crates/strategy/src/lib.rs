//! The `strategy` crate.
