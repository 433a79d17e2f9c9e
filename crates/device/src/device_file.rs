//! A device as a file: who it is, models of its latency and energy, and how far they are to be trusted.

use crate::models::{Beyond, CostModel, Model, ModelError, Prediction, Range};
use crate::{DeviceCost, Score, operators};
use nasmyth_graph::VerifiedGraph;
use serde::{Deserialize, Serialize};

/// The version that this program writes, and the newest one that it reads.
const VERSION: i64 = 1;

/// How far off a prediction may be, either way, of a network that is beyond what its model was fitted to.
pub const BEYOND: f64 = 4.0;

/// Everything that is known of a device. Written as TOML: a line for each number or network, so that two versions can be compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceFile {
    /// Version of the format.
    version: i64,
    /// Name in limits: `latency<=2ms@NAME`.
    pub name: String,
    /// Where it is measured: `local` is the machine that reads the file, `host:NAME` one that the user has added; none for a device
    /// that only its models speak for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The processor, as it calls itself.
    pub processor: String,
    /// Runtime that was measured.
    pub runtime: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version_of_runtime: String,
    /// Threads of the runtime.
    pub threads: u32,
    /// Day of the measurements: `YYYY-MM-DD`.
    pub date: String,
    /// What inference of one sample takes, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Fit>,
    /// What inference of one sample needs, in joules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<Fit>,
}

/// A model of one cost, and what is known of its errors.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// What was measured, in words: spaces and shapes of the data. Of other networks the errors are not known.
    pub of: String,
    /// Number of measured networks that the model was fitted to.
    pub networks: usize,
    /// Errors on networks that it was not fitted to.
    pub held_out: Score,
    /// Share of these whose measurement is in the prediction's 95 % interval, where it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered: Option<f64>,
    /// Beyond it the errors are not known; without one, nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// The model.
    pub model: Model,
}

impl Fit {
    /// What a network costs. Beyond the networks that the model was fitted to its 95 % interval promises nothing, and is made to reach
    /// from a [`BEYOND`]th to [`BEYOND`] times the prediction at least.
    ///
    /// # Errors
    /// An operator that the model knows nothing of.
    pub fn predict(&self, graph: &VerifiedGraph) -> Result<Prediction, ModelError> {
        let predicted = self.model.seconds(graph)?;
        Ok(match self.beyond_at(graph, &predicted) {
            Some(_) => predicted.widened(BEYOND),
            None => predicted,
        })
    }

    /// Why a network is beyond those that the model was fitted to, if it is and can be predicted at all.
    pub fn beyond(&self, graph: &VerifiedGraph) -> Option<Beyond> {
        self.beyond_at(graph, &self.model.seconds(graph).ok()?)
    }

    fn beyond_at(&self, graph: &VerifiedGraph, predicted: &Prediction) -> Option<Beyond> {
        self.range.as_ref()?.beyond(&operators(graph), predicted.seconds)
    }
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
    /// A device that nothing is known of yet but who it is.
    pub fn new(header: Header) -> Self {
        let Header { name, address, processor, runtime, version_of_runtime, threads, date } = header;
        let (latency, energy) = (None, None);
        let version = VERSION;
        Self {
            version,
            name,
            address,
            processor,
            runtime,
            version_of_runtime,
            threads,
            date,
            latency,
            energy,
        }
    }

    /// The model of this cost, if there is one.
    pub fn fit(&self, cost: DeviceCost) -> Option<&Fit> {
        match cost {
            DeviceCost::Latency => self.latency.as_ref(),
            DeviceCost::Energy => self.energy.as_ref(),
        }
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
    pub address: Option<String>,
    pub processor: String,
    pub runtime: String,
    pub version_of_runtime: String,
    pub threads: u32,
    pub date: String,
}
