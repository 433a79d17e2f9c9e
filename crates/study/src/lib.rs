//! The `study` crate.
