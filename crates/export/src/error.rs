//! What can go wrong on the way out, and back in.

use thiserror::Error;

/// A network that cannot be written, or a file that cannot be read.
#[derive(Debug, Error)]
pub enum ExportError {
    /// An operator without an ONNX form.
    #[error("node `{node}`: operator `{kind}` has no ONNX form")]
    Operator {
        /// Name of the node.
        node: String,
        /// Kind of its operator.
        kind: String,
    },
    /// A parameter of the graph that the store does not have.
    #[error("parameter `{key}` is missing: the parameters belong to another graph")]
    MissingParam {
        /// `NODE.NAME`.
        key: String,
    },
    /// A parameter of another shape than the graph's.
    #[error("parameter `{key}`: expected shape {expected:?}, got {got:?}")]
    ParamShape {
        /// `NODE.NAME`.
        key: String,
        /// Shape in the graph.
        expected: Vec<usize>,
        /// Shape in the store or file.
        got: Vec<usize>,
    },
    /// A tensor in a file that the graph does not have.
    #[error(
        "tensor `{key}` in the file is no parameter of graph `{graph}`: the weights belong to another graph"
    )]
    UnknownParam {
        /// Name in the file.
        key: String,
        /// Name of the graph.
        graph: String,
    },
    /// A tensor of another type than float32.
    #[error("tensor `{key}`: expected float32 (F32), got {got}")]
    ParamType {
        /// Name in the file.
        key: String,
        /// Its type.
        got: String,
    },
    /// More than a protocol-buffer file may hold.
    #[error("the weights take {bytes} bytes; an ONNX file holds at most 2 GiB: export as safetensors")]
    TooLarge {
        /// Bytes of all weights.
        bytes: u64,
    },
    /// A file that is no weights file.
    #[error("not a safetensors file: {0}")]
    Safetensors(String),
}

/// An ONNX file that cannot be loaded or run.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// Nothing in it.
    #[error("the ONNX file is empty: write it again with `nasmyth export`")]
    Empty,
    /// Bytes that are no model.
    #[error("not an ONNX file, or a truncated one: {0}")]
    Format(String),
    /// A model that is not what its own checksum says.
    #[error(
        "the ONNX file was damaged or edited after export: its checksum is {got}, expected {expected}; export it again"
    )]
    Checksum {
        /// As written into the file.
        expected: String,
        /// As counted now.
        got: String,
    },
    /// A model that this runtime cannot use.
    #[error("the ONNX file cannot be used: {0}")]
    Model(String),
    /// Input of another size than the model's.
    #[error("expected {samples} samples of shape {shape:?} ({expected} numbers), got {got} numbers")]
    Input {
        /// Samples asked for.
        samples: usize,
        /// Shape of one sample, channels first.
        shape: Vec<usize>,
        /// Numbers expected.
        expected: usize,
        /// Numbers given.
        got: usize,
    },
    /// The runtime gave up.
    #[error("running the ONNX model failed: {0}")]
    Run(String),
}
