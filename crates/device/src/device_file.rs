//! A device as a file: who it is, a model of its latency, and how far that model is to be trusted.

use crate::Score;
use crate::models::Model;
use serde::{Deserialize, Serialize};

/// The version that this program writes, and the newest one that it reads.
const VERSION: i64 = 1;

/// Everything that is known of a device. Written as TOML: a line for each number or network, so that two versions can be compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceFile {
    /// Version of the format.
    version: i64,
    /// Name in limits: `latency<=2ms@NAME`.
    pub name: String,
    /// The processor, as it calls itself.
    pub processor: String,
    /// Runtime that was measured, with its version.
    pub runtime: String,
    /// Threads of the runtime.
    pub threads: u32,
    /// Day of the measurements: `YYYY-MM-DD`.
    pub date: String,
    /// Number of measured networks that the model was fitted to.
    pub networks: usize,
    /// Errors on networks that it was not fitted to.
    pub held_out: Score,
    /// The model.
    pub model: Model,
}

/// Why a text is no device file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DeviceFileError {
    /// Not TOML, or fields that are missing, unknown or of the wrong kind.
    #[error("not a device file: {0}")]
    Content(String),
    /// Another version.
    #[error(
        "the device file has version {got}, and this program reads versions up to {VERSION}: update it, or calibrate again"
    )]
    Version {
        /// Its version.
        got: i64,
    },
}

impl DeviceFile {
    /// Everything together.
    pub fn new(header: Header, networks: usize, held_out: Score, model: Model) -> Self {
        let Header { name, processor, runtime, threads, date } = header;
        Self { version: VERSION, name, processor, runtime, threads, date, networks, held_out, model }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// A text that is no device file, or one of a newer version; the message says where and what was expected.
    pub fn parse(text: &str) -> Result<Self, DeviceFileError> {
        let content = |error: toml::de::Error| DeviceFileError::Content(error.to_string().trim().to_owned());
        let table: toml::Table = text.parse().map_err(content)?;
        // The version comes first: of a newer file not even the names of the fields are known.
        match table.get("version").and_then(toml::Value::as_integer) {
            Some(1..=VERSION) => toml::from_str(text).map_err(content),
            Some(got) => Err(DeviceFileError::Version { got }),
            None => Err(DeviceFileError::Content("expected a number `version` at the top".to_owned())),
        }
    }

    /// The text.
    ///
    /// # Errors
    /// None for models that were fitted or read.
    pub fn to_text(&self) -> Result<String, DeviceFileError> {
        toml::to_string_pretty(self).map_err(|error| DeviceFileError::Content(error.to_string()))
    }
}

/// Who a device is; see [`DeviceFile`].
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Header {
    pub name: String,
    pub processor: String,
    pub runtime: String,
    pub threads: u32,
    pub date: String,
}
