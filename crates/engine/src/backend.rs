//! Where networks are computed, by name.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Where networks are computed. Every build knows all names; which of them it can open depends on its Cargo features.
///
/// ```
/// use nasmyth_engine::Backend;
///
/// assert_eq!("cuda".parse(), Ok(Backend::Cuda));
/// assert_eq!("gpu".parse::<Backend>().unwrap_err().to_string(), "expected auto, cpu, cuda, wgpu or burn-cpu, got `gpu`");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Backend {
    /// A GPU if this build can use one and the machine has one, otherwise the CPU.
    #[default]
    Auto,
    /// The kernels of this crate.
    Cpu,
    /// An NVIDIA GPU, through Burn.
    Cuda,
    /// A GPU through Vulkan, Metal or DirectX, through Burn.
    Wgpu,
    /// The CPU through Burn: to test what the GPU backends share.
    BurnCpu,
}

/// A backend that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BackendError {
    /// No such name.
    #[error("expected auto, cpu, cuda, wgpu or burn-cpu, got `{0}`")]
    Unknown(String),
    /// This build does not have it.
    #[error(
        "this build has no engine `{0}`: build it in with `cargo install --path crates/nasmyth --features {0}`"
    )]
    NotBuilt(Backend),
    /// The machine does not have it.
    #[error("the engine `{backend}` does not work on this machine: {reason}; give another `--engine`")]
    NoDevice {
        /// What was asked for.
        backend: Backend,
        /// What is missing.
        reason: String,
    },
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Cpu, Self::Cuda, Self::Wgpu, Self::BurnCpu];

    /// Its name, which is also that of the Cargo feature it needs, if it needs one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Wgpu => "wgpu",
            Self::BurnCpu => "burn-cpu",
        }
    }

    /// One sentence for people.
    pub fn doc(self) -> &'static str {
        match self {
            Self::Auto => "A GPU if this build can use one and the machine has one, otherwise the CPU.",
            Self::Cpu => "The CPU, with Nasmyth's own kernels.",
            Self::Cuda => "An NVIDIA GPU.",
            Self::Wgpu => "A GPU through Vulkan, Metal or DirectX.",
            Self::BurnCpu => "The CPU through Burn, to test what the GPU backends share.",
        }
    }

    /// Whether this build has it.
    pub fn is_built(self) -> bool {
        match self {
            Self::Auto | Self::Cpu => true,
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::BurnCpu => cfg!(feature = "burn-cpu"),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = BackendError;

    fn from_str(name: &str) -> Result<Self, BackendError> {
        let found = Self::ALL.into_iter().find(|b| b.name() == name);
        found.ok_or_else(|| BackendError::Unknown(name.to_owned()))
    }
}

impl TryFrom<String> for Backend {
    type Error = BackendError;

    fn try_from(name: String) -> Result<Self, BackendError> {
        name.parse()
    }
}

impl From<Backend> for String {
    fn from(backend: Backend) -> Self {
        backend.name().to_owned()
    }
}
