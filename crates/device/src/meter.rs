//! Tells what networks cost.

use crate::models::ModelError;
use crate::{Cost, Costs, DeviceCost, DeviceFile};
use nasmyth_graph::VerifiedGraph;
use std::collections::BTreeMap;
use std::sync::Arc;
use thiserror::Error;

/// Counts costs, and asks the models of devices for those that cannot be counted. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    devices: BTreeMap<String, Arc<DeviceFile>>,
}

/// What a network costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// Counted, or as predicted.
    pub value: u64,
    /// Counted; of a prediction the upper end of its 95 % interval.
    pub at_most: u64,
}

/// Why nobody can tell.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum MeterError {
    /// A device that the meter does not have.
    #[error("there is no device `{0}`")]
    Device(String),
    /// A device without a model of that cost.
    #[error("the device `{device}` has no model of {cost}: it was not measured there")]
    Model {
        /// Its name.
        device: String,
        /// What is not known.
        cost: &'static str,
    },
    /// A network that the model does not know enough of.
    #[error("device `{device}`: {source}")]
    Network {
        /// Its name.
        device: String,
        /// What the model says.
        source: ModelError,
    },
}

impl Meter {
    /// Adds a device, under the name that limits call it.
    pub fn with_device(mut self, name: impl Into<String>, device: DeviceFile) -> Self {
        self.devices.insert(name.into(), Arc::new(device));
        self
    }

    /// The devices, by the names that limits call them.
    pub fn devices(&self) -> impl Iterator<Item = (&str, &DeviceFile)> {
        self.devices.iter().map(|(name, device)| (name.as_str(), &**device))
    }

    /// What a network costs.
    ///
    /// # Errors
    /// A device that is not there, has no model of this cost, or whose model cannot tell of this network.
    pub fn tell(&self, cost: &Cost, graph: &VerifiedGraph) -> Result<Amount, MeterError> {
        match cost {
            Cost::Counted(kind) => {
                let value = (kind.count)(graph);
                Ok(Amount { value, at_most: value })
            }
            Cost::OnDevice(cost, name) => self.on_device(*cost, name, graph),
        }
    }

    fn on_device(&self, cost: DeviceCost, name: &str, graph: &VerifiedGraph) -> Result<Amount, MeterError> {
        let device = self.devices.get(name).ok_or_else(|| MeterError::Device(name.to_owned()))?;
        let missing = || MeterError::Model { device: name.to_owned(), cost: cost.name() };
        let fit = device.fit(cost).ok_or_else(missing)?;
        let broken = |source| MeterError::Network { device: name.to_owned(), source };
        let predicted = fit.predict(graph).map_err(broken)?; // a model of energy says joules
        let billionths = |value: f64| (value * 1e9).round().max(0.0) as u64; // beyond u64: its largest value
        Ok(Amount { value: billionths(predicted.seconds), at_most: billionths(predicted.high) })
    }

    /// Every cost that is counted, and these of devices, by name; a cost that nobody can tell is left out.
    pub fn costs<'c>(&self, graph: &VerifiedGraph, on_devices: impl IntoIterator<Item = &'c Cost>) -> Costs {
        let mut costs = Costs::of(graph);
        for cost in on_devices.into_iter().filter(|cost| cost.device().is_some()) {
            if let Ok(amount) = self.tell(cost, graph) {
                costs.0.insert(cost.to_string(), amount.value);
            }
        }
        costs
    }
}
