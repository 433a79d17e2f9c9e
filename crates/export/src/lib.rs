//! Networks on their way out: ONNX, safetensors, text, Graphviz and SVG, and an independent runtime that checks them.

mod error;
pub mod onnx;
mod runtime;

pub use error::{ExportError, RuntimeError};
pub use onnx::{metadata, to_onnx};
pub use runtime::{Session, channels_first, run_onnx};
