//! Where networks are measured: this machine, or another one that does the same.

use crate::{MeasureError, Measurement, Model, Options, Runtime, cpu_name, measure};
use nasmyth_graph::VerifiedGraph;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// A device that measures networks with initial weights, in one runtime.
pub trait Target {
    /// Who measures, and in what.
    fn setting(&self) -> &Setting;

    /// Measures for about `time` each: one outcome for each network, in order, as soon as it is there. Dropping the iterator ends
    /// the work. After an error nothing more comes.
    ///
    /// # Errors
    /// The device cannot be reached or used.
    fn measure<'a>(
        &'a self,
        networks: &'a [&'a VerifiedGraph],
        time: Duration,
    ) -> Result<Outcomes<'a>, TargetError>;

    /// Measures one network for about `time`.
    ///
    /// # Errors
    /// The device cannot be reached or used.
    fn measure_one(&self, network: &VerifiedGraph, time: Duration) -> Result<Outcome, TargetError> {
        let outcome = self.measure(&[network], time)?.next();
        outcome.unwrap_or_else(|| Err(TargetError("the device gave no outcome".into())))
    }
}

/// What [`Target::measure`] gives.
pub type Outcomes<'a> = Box<dyn Iterator<Item = Result<Outcome, TargetError>> + 'a>;

/// Why a device gives no outcomes, or no more: each kind of target has reasons of its own.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TargetError(#[from] pub Box<dyn Error + Send + Sync>);

/// What measurements must have in common to be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Name of the device.
    pub device: String,
    /// Its processor.
    pub cpu: String,
    /// Name of the runtime.
    pub runtime: String,
    /// Its version.
    pub version: String,
    /// Threads that it is given.
    pub threads: usize,
}

impl Display for Setting {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { device, cpu, runtime, version, threads } = self;
        write!(f, "`{device}` ({cpu}) in {runtime} {version} with {threads} thread(s)")
    }
}

/// What came of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was measured.
    Measured(Measurement),
    /// It was not, for this reason; others may be.
    Failed(String),
}

impl Outcome {
    /// The measurement, if it is one.
    pub fn measurement(&self) -> Option<&Measurement> {
        match self {
            Self::Measured(measurement) => Some(measurement),
            Self::Failed(_) => None,
        }
    }
}

/// This machine.
pub struct Local {
    runtime: &'static Runtime,
    options: Options,
    setting: Setting,
}

impl Local {
    /// Name of the device.
    pub const NAME: &'static str = "this";

    /// This machine with `runtime`; of `options` the time does not matter.
    ///
    /// # Errors
    /// The runtime cannot be used here.
    pub fn new(runtime: &'static Runtime, options: Options) -> Result<Self, MeasureError> {
        let setting = Setting {
            device: Self::NAME.to_owned(),
            cpu: cpu_name(),
            runtime: runtime.name.to_owned(),
            version: runtime.version(&options)?,
            threads: options.threads,
        };
        Ok(Self { runtime, options, setting })
    }

    /// Measures one network for about `time`.
    pub fn outcome(&self, network: &VerifiedGraph, time: Duration) -> Outcome {
        let options = Options { time, ..self.options.clone() };
        let measured = measure(self.runtime, &Model::random(network.clone(), 0), &options);
        measured.map_or_else(|error| Outcome::Failed(error.to_string()), Outcome::Measured)
    }
}

impl Target for Local {
    fn setting(&self) -> &Setting {
        &self.setting
    }

    fn measure<'a>(
        &'a self,
        networks: &'a [&'a VerifiedGraph],
        time: Duration,
    ) -> Result<Outcomes<'a>, TargetError> {
        Ok(Box::new(networks.iter().map(move |network| Ok(self.outcome(network, time)))))
    }
}
