//! The list of file formats.

use crate::{ExportError, to_dot, to_onnx, to_outline, to_safetensors, to_svg};
use nasmyth_engine::ParamStore;
use nasmyth_graph::VerifiedGraph;

/// Writes a network; the pairs of text say where it comes from.
pub type Write = fn(&VerifiedGraph, &ParamStore<f32>, &[(String, String)]) -> Result<Vec<u8>, ExportError>;

/// A file format that a network can be exported to.
pub struct Format {
    /// Name on the command line.
    pub name: &'static str,
    /// Ending of its files, without the dot.
    pub extension: &'static str,
    /// One sentence for people.
    pub doc: &'static str,
    /// Writes a network in it.
    pub write: Write,
}

/// Every file format.
pub static FORMATS: &[Format] = &[
    Format {
        name: "onnx",
        extension: "onnx",
        doc: "Network and weights for any ONNX runtime (operator set 17, float32, raw values in, channels first).",
        write: to_onnx,
    },
    Format {
        name: "safetensors",
        extension: "safetensors",
        doc: "Weights alone, float32, channels last, one tensor per parameter.",
        write: to_safetensors,
    },
    Format {
        name: "text",
        extension: "graph",
        doc: "Network without weights, one operator a line; Nasmyth reads it back.",
        write: |graph, _, _| Ok(graph.to_text().into_bytes()),
    },
    Format {
        name: "dot",
        extension: "dot",
        doc: "Network without weights, for Graphviz.",
        write: |graph, _, _| Ok(to_dot(graph).into_bytes()),
    },
    Format {
        name: "svg",
        extension: "svg",
        doc: "A drawing of the network.",
        write: |graph, _, _| Ok(to_svg(graph).into_bytes()),
    },
    Format {
        name: "outline",
        extension: "txt",
        doc: "A drawing in text, equal blocks once, with parameters and multiply-accumulates.",
        write: |graph, _, _| Ok(to_outline(graph).into_bytes()),
    },
];
