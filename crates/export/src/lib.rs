//! Networks on their way out: ONNX, safetensors, text, Graphviz, SVG and an outline, and an independent runtime that checks them.

mod boxes;
mod dot;
mod error;
mod format;
pub mod onnx;
mod outline;
mod runtime;
mod safetensors;
mod svg;
mod title;

pub use dot::to_dot;
pub use error::{ExportError, RuntimeError};
pub use format::{FORMATS, Format};
pub use onnx::{input_shape, metadata, to_onnx};
pub use outline::to_outline;
pub use runtime::{RTEN_VERSION, Session, channels_first, run_onnx};
pub use safetensors::{from_safetensors, safetensors_metadata, to_safetensors};
pub use svg::to_svg;
