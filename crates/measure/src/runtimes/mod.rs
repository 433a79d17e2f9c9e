//! What runs networks. One file each, one entry each in [`RUNTIMES`].

#[cfg(feature = "onnxruntime")]
mod library;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
mod plan;
#[cfg(feature = "rten")]
mod rten;
#[cfg(feature = "tract")]
mod tract;

use crate::{MeasureError, Model, Options};

/// A network loaded into a runtime, with one sample.
pub trait Session {
    /// Infers the sample once.
    ///
    /// # Errors
    /// Those of the runtime.
    fn run(&mut self) -> Result<(), MeasureError>;

    /// What the last run gave, channels first; of no meaning before the first.
    fn output(&self) -> &[f32];
}

/// What a runtime has to do.
trait Backend: Sync {
    /// Its version, if it can be used here.
    fn version(&self, options: &Options) -> Result<String, MeasureError>;

    /// Loads a network and its sample.
    fn load(&self, model: &Model, options: &Options) -> Result<Box<dyn Session>, MeasureError>;
}

/// A runtime that networks can be measured in.
pub struct Runtime {
    /// Name on the command line, and of the Cargo feature that builds it in.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    backend: Option<&'static dyn Backend>,
}

/// The backend if the feature is built in.
macro_rules! built {
    ($feature:literal, $backend:expr) => {{
        #[cfg(feature = $feature)]
        {
            Some(&$backend)
        }
        #[cfg(not(feature = $feature))]
        {
            None
        }
    }};
}

/// All runtimes, built in or not.
pub static RUNTIMES: &[Runtime] = &[
    Runtime { name: "plan", doc: "Nasmyth's own engine, as `predict` runs it.", backend: Some(&plan::Plan) },
    Runtime { name: "rten", doc: "RTen, embedded; runs ONNX files.", backend: built!("rten", rten::Rten) },
    Runtime {
        name: "onnxruntime",
        doc: "ONNX Runtime, if it is installed (`pip install onnxruntime`); runs ONNX files.",
        backend: built!("onnxruntime", onnxruntime::OnnxRuntime),
    },
    Runtime {
        name: "tract",
        doc: "Tract, embedded; runs ONNX files.",
        backend: built!("tract", tract::Tract),
    },
];

impl Runtime {
    /// The runtime of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn find(name: &str) -> Result<&'static Self, MeasureError> {
        let alike = |r: &&Runtime| (1e6 * strsim::jaro_winkler(name, r.name)) as u64;
        let nearest = RUNTIMES.iter().max_by_key(alike).map_or("plan", |r| r.name);
        let found = RUNTIMES.iter().find(|r| r.name == name);
        found.ok_or_else(|| MeasureError::Unknown { name: name.to_owned(), nearest })
    }

    /// Whether this build has it. It may need more: [`version`](Self::version) tells.
    pub fn is_built(&self) -> bool {
        self.backend.is_some()
    }

    /// Its version.
    ///
    /// # Errors
    /// It cannot be used here, and what to do about that.
    pub fn version(&self, options: &Options) -> Result<String, MeasureError> {
        self.backend()?.version(options)
    }

    /// Loads a network with its sample; of `options` the time does not matter.
    ///
    /// # Errors
    /// The runtime is not there, or does not take the network or the number of threads.
    pub fn load(&self, model: &Model, options: &Options) -> Result<Box<dyn Session>, MeasureError> {
        self.backend()?.load(model, options)
    }

    fn backend(&self) -> Result<&'static dyn Backend, MeasureError> {
        self.backend.ok_or(MeasureError::NotBuilt(self.name))
    }
}
