//! The `report` crate.
