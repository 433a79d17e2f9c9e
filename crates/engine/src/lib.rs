//! The engine: compiles a verified graph once into a plan (kernel calls over one arena) and then trains or runs it.

mod params;

pub use params::{ParamEntry, ParamLayout, ParamStore};
