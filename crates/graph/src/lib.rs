//! The `graph` crate.
