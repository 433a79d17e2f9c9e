//! What can be wrong with a measurement.

use nasmyth_engine::EngineError;
use thiserror::Error;

/// Why a network could not be measured.
#[derive(Debug, Error)]
pub enum MeasureError {
    /// No such name in the list.
    #[error("there is no runtime `{name}`; the nearest is `{nearest}` (`nasmyth list runtimes`)")]
    Unknown {
        /// As given.
        name: String,
        /// The most similar name.
        nearest: &'static str,
    },
    /// The build lacks it.
    #[error("runtime `{0}` is not in this build: build Nasmyth with `--features {0}`")]
    NotBuilt(&'static str),
    /// It cannot use so many.
    #[error(
        "runtime `{runtime}` infers one sample on one thread, got {threads} threads: use 1, or another runtime"
    )]
    Threads {
        /// Name of the runtime.
        runtime: &'static str,
        /// As asked for.
        threads: usize,
    },
    /// A file of another program.
    #[error(
        "runtime `plan` needs the network itself, which `{0}` does not hold: give a run, a text form or an ONNX file that Nasmyth \
         exported, or use another runtime"
    )]
    NoNetwork(String),
    /// Its library is missing or does not load.
    #[error(
        "ONNX Runtime cannot be used: {0}; install it with `pip install onnxruntime`, or name its library with --onnxruntime PATH \
         or the variable ORT_DYLIB_PATH"
    )]
    Library(String),
    /// It does not load the network, or fails to run it.
    #[error("runtime `{runtime}`: {reason}")]
    Runtime {
        /// Name of the runtime.
        runtime: &'static str,
        /// In its own words.
        reason: String,
    },
    /// The engine cannot run the network.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The network cannot be written as ONNX.
    #[cfg(feature = "onnx")]
    #[error(transparent)]
    Export(#[from] nasmyth_export::ExportError),
    /// A damaged or unusable ONNX file.
    #[cfg(feature = "onnx")]
    #[error(transparent)]
    File(#[from] nasmyth_export::RuntimeError),
}
