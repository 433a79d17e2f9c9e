//! Rewrites of a graph, one per file.

mod dead_code;

pub use dead_code::dead_code;
