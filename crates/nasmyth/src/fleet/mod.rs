//! The devices that the limits and objectives of a run name: what networks cost there, predicted and measured.

mod calibration;
mod fitting;
mod known;
mod measured_table;
mod ready;

pub use calibration::{Calibration, Progress, calibrate};
use fitting::{fit_device, measure_networks, measurements, noisy, spread_networks};
pub use known::{
    KnownDevice, check_device_name, device_folder, device_names, device_text, find_device, forget_models,
    read_device,
};
pub use measured_table::{MeasuredTable, TableFit, fit_tables};
pub use ready::READY_DEVICES;

use crate::{RunConfig, RunFolder};
use anyhow::{Context, Result, anyhow};
use nasmyth_device::models::Beyond;
use nasmyth_device::{BEYOND, Cost, DeviceCost, Limits, Meter};
use nasmyth_graph::VerifiedGraph;
use nasmyth_measure::{Measurement, Model, measure};
use nasmyth_space::Space;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// Networks of the space that are measured on a device before a search.
const SAMPLES: usize = 32;

/// Share of a run's time that these measurements may take on all devices together, and the most for one network.
const SHARE: f64 = 0.1;
const LONGEST: Duration = Duration::from_millis(250);

/// What two measurements of the same network may differ by on a machine that counts as quiet: so far a measured value has to stay below
/// a limit to keep it when it is measured again.
pub(crate) const GUARD: f64 = nasmyth_measure::LARGEST_SPREAD;

/// Measuring a candidate, and a network for its certificate: share of a run's time, and the most.
const CANDIDATE: (f64, Duration) = (0.01, Duration::from_secs(1));
const CERTIFICATE: (f64, Duration) = (0.02, Duration::from_secs(2));

/// The least time of any measurement.
const SHORTEST: Duration = Duration::from_millis(100);

/// Measurements of a network, at most, while the machine is too noisy to tell: for one network in the end, and for each of a front.
const ATTEMPTS: (u32, u32) = (5, 2);

/// Candidates that a run keeps time for measuring.
const CANDIDATES: u32 = 2;

/// Devices by the names that limits call them.
#[derive(Default)]
pub(crate) struct Fleet {
    devices: BTreeMap<String, KnownDevice>,
    meter: Meter,
    /// Of the whole run.
    time: Option<Duration>,
    /// Costs that can be measured: of limits, and of limits and objectives.
    measured: (u32, u32),
    /// Measurements of a network, at most.
    attempts: u32,
}

/// The costs of a run that devices have to tell.
fn costs(config: &RunConfig) -> impl Iterator<Item = &Cost> {
    config.limits.on_devices().chain(config.objectives.on_devices())
}

fn names(config: &RunConfig) -> BTreeSet<String> {
    costs(config).filter_map(Cost::device).map(str::to_owned).collect()
}

impl Fleet {
    /// Finds the devices. On those that can be reached, networks of the space that keep the counted limits are measured, and a model for
    /// this space is fitted (where the device is known, beginning with what is known); the models go into the run's folder. `told` hears
    /// what was found.
    ///
    /// # Errors
    /// A device that does not exist, cannot be reached, or has no model of what is asked of it.
    pub fn prepare(
        config: &RunConfig,
        space: &Space,
        folder: &RunFolder,
        told: &mut dyn FnMut(String),
    ) -> Result<Self> {
        let names = names(config);
        let mut fleet = Self::new(config)?;
        let time = fleet.time;
        let counted = config.limits.0.iter().filter(|limit| limit.cost.device().is_none());
        let counted = Limits(counted.cloned().collect());
        for name in &names {
            let mut device = find_device(name)?;
            if let Some(models) = &config.search.devices {
                device.file = read_device(&models.join(file_name(name, "toml")))?;
            } else if let Some(target) = &device.target {
                let each = time.map_or(LONGEST, |time| time.mul_f64(SHARE / (SAMPLES * names.len()) as f64));
                let each = each.min(LONGEST);
                let networks = spread_networks(space, &counted, SAMPLES, config.seed);
                let mut file = measurements(&folder.devices(), &file_name(name, ""), &**target)?;
                let deadline = Instant::now() + (each * SAMPLES as u32).mul_f64(2.0);
                let mut go_on = |_, _: &_| ControlFlow::Continue(());
                measure_networks(&**target, &networks, &mut file, (each, deadline), &mut go_on)?;
                let of = format!(
                    "networks of space {} for input {:?}",
                    space.name(),
                    networks.first().map(|n| n.fact(n.input_id()).shape().to_vec()).unwrap_or_default()
                );
                fit_device(&mut device.file, &networks, &file, &of)?;
                let noisy = noisy(&networks, &file);
                if 2 * noisy > networks.len() {
                    told(format!(
                        "note      {noisy} of {} measurements on {name} were noisy: predictions are worse for it",
                        networks.len()
                    ));
                }
            }
            for cost in costs(config).filter(|cost| cost.device() == Some(name)) {
                told(summary(name, &device, cost)?);
                if device.target.is_none() {
                    let networks = spread_networks(space, &counted, SAMPLES, config.seed);
                    extrapolated(cost, &device, &networks).into_iter().for_each(&mut *told);
                }
            }
            let text = device.file.to_text()?;
            RunFolder::write(&folder.devices().join(file_name(name, "toml")), text.as_bytes())?;
            fleet.add(name, device);
        }
        Ok(fleet.complete(config))
    }

    /// The devices as they are known, for one network: models of a space are not needed.
    ///
    /// # Errors
    /// A device that does not exist or cannot be reached.
    pub fn find(config: &RunConfig) -> Result<Self> {
        let mut fleet = Self::new(config)?;
        for name in names(config) {
            fleet.add(&name, find_device(&name)?);
        }
        Ok(fleet.complete(config))
    }

    /// The devices of a run that has begun, with the models that it began with.
    pub fn take_up(config: &RunConfig, folder: &RunFolder) -> Result<Self> {
        let mut fleet = Self::new(config)?;
        for name in names(config) {
            let mut device = find_device(&name)?;
            device.file = read_device(&folder.devices().join(file_name(&name, "toml")))?;
            fleet.add(&name, device);
        }
        Ok(fleet.complete(config))
    }

    /// Whether the run names none.
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    fn add(&mut self, name: &str, device: KnownDevice) {
        self.meter = std::mem::take(&mut self.meter).with_device(name, device.file.clone());
        self.devices.insert(name.to_owned(), device);
    }

    /// What counts and predicts.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    fn new(config: &RunConfig) -> Result<Self> {
        Ok(Self { time: config.budget.time()?, ..Self::default() })
    }

    /// Takes note of what there is to measure.
    fn complete(mut self, config: &RunConfig) -> Self {
        self.attempts = if config.objectives.single() { ATTEMPTS.0 } else { ATTEMPTS.1 };
        let count =
            |costs: &mut dyn Iterator<Item = &Cost>| costs.filter(|cost| self.measures(cost)).count() as u32;
        self.measured = (count(&mut config.limits.on_devices()), count(&mut costs(config)));
        self
    }

    fn share(&self, (share, most): (f64, Duration)) -> Duration {
        self.time.map_or(most, |time| time.mul_f64(share).clamp(SHORTEST, most))
    }

    /// Time of one measurement of a candidate.
    pub fn candidate_time(&self) -> Duration {
        self.share(CANDIDATE)
    }

    /// Time of one measurement for a certificate.
    pub fn certificate_time(&self) -> Duration {
        self.share(CERTIFICATE)
    }

    /// Time for the certificates of so many networks.
    pub fn certifying(&self, networks: u32) -> Duration {
        self.certificate_time() * self.attempts * self.measured.1 * networks
    }

    /// Time that a run has to keep for measuring after its search, with so many networks in the end.
    pub fn measuring(&self, networks: u32) -> Duration {
        self.candidate_time() * self.attempts * self.measured.0 * CANDIDATES.max(networks)
            + self.certifying(networks)
    }

    /// The device of a cost.
    pub fn device(&self, cost: &Cost) -> Option<&KnownDevice> {
        self.devices.get(cost.device()?)
    }

    /// Measurements of a network, at most, while the machine is too noisy to tell.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether a network's cost can be measured.
    pub fn measures(&self, cost: &Cost) -> bool {
        self.device(cost).is_some_and(|device| device.target.is_some())
    }
}

impl KnownDevice {
    /// Measures a network for about `time`, and while the machine is too noisy to tell again, so many times in all: the first measurement
    /// that is not noisy, or the one with the narrowest interval. On this machine it is the file that ships that is measured, elsewhere the
    /// architecture with initial weights.
    ///
    /// # Errors
    /// A device that only its models speak for, or one that fails.
    pub fn measure(&self, model: &Model, time: Duration, attempts: u32) -> Result<Measurement> {
        let width = |m: &Measurement| (m.high_s - m.low_s) / m.median_s;
        let mut steadiest = self.measure_once(model, time)?;
        for _ in 1..attempts {
            if steadiest.noisy.is_none() {
                break;
            }
            let again = self.measure_once(model, time)?;
            if again.noisy.is_none() || width(&again) < width(&steadiest) {
                steadiest = again;
            }
        }
        Ok(steadiest)
    }

    fn measure_once(&self, model: &Model, time: Duration) -> Result<Measurement> {
        let failed = || format!("device `{}`: cannot measure `{}`", self.file.name, model.name());
        if let Some((runtime, options)) = &self.local {
            let options = nasmyth_measure::Options { time, ..options.clone() };
            return measure(runtime, model, &options).with_context(failed);
        }
        let target = self.target.as_ref().ok_or_else(|| {
            anyhow!("device `{}` cannot be reached: only its models speak for it", self.file.name)
        })?;
        let (graph, _) = model.network()?;
        let networks = [graph];
        let first = target.measure(&networks, time).with_context(failed)?.next();
        match first.with_context(failed)?.with_context(failed)? {
            nasmyth_measure::Outcome::Measured(measurement) => Ok(measurement),
            nasmyth_measure::Outcome::Failed(reason) => Err(anyhow!(reason)).with_context(failed),
        }
    }
}

/// What a measurement says of a cost, in billionths: the median, and the ends of its 95 % interval. An energy has no interval of its own.
pub(crate) fn reading(cost: DeviceCost, measured: &Measurement) -> Option<[u64; 3]> {
    let seconds = [measured.median_s, measured.low_s, measured.high_s];
    let values = match cost {
        DeviceCost::Latency => seconds,
        DeviceCost::Energy => [measured.energy_j?; 3],
    };
    Some(values.map(|value| (value * 1e9).round() as u64))
}

/// One file for each name, whatever characters it has.
fn file_name(name: &str, ending: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' };
    let name: String = Path::new(name).with_extension("").to_string_lossy().chars().map(clean).collect();
    if ending.is_empty() { name } else { format!("{name}.{ending}") }
}

fn summary(name: &str, device: &KnownDevice, cost: &Cost) -> Result<String> {
    let Cost::OnDevice(kind, _) = cost else { return Ok(String::new()) };
    let file = &device.file;
    let fit = file.fit(*kind).with_context(|| {
        let why = match device.target {
            Some(_) => "the machine does not show it",
            None => "its file has no model of it",
        };
        format!("device `{name}`: {} is not available ({why})", kind.name())
    })?;
    let score = fit.held_out;
    Ok(format!(
        "device    {name}: {}, {} on {} thread(s); {} predicted from {} networks, {:.0} % of unseen ones within 10 %{}",
        file.processor,
        file.runtime,
        file.threads,
        kind.name(),
        fit.networks,
        100.0 * score.within_10,
        if device.target.is_none() { "; predicted, not measured: the device cannot be reached" } else { "" }
    ))
}

/// A warning where networks of a space are beyond what the model of a cost was fitted to.
fn extrapolated(cost: &Cost, device: &KnownDevice, networks: &[VerifiedGraph]) -> Option<String> {
    let Cost::OnDevice(kind, _) = cost else { return None };
    let fit = device.file.fit(*kind)?;
    let beyond: Vec<Beyond> = networks.iter().filter_map(|network| fit.beyond(network)).collect();
    let why = beyond.first()?;
    Some(format!(
        "note      {} of {} networks of this space are beyond what {cost} was fitted to ({}): {why}. Of these nobody knows how far off it is; \
         limits take them to cost {BEYOND} times the prediction",
        beyond.len(),
        networks.len(),
        fit.of
    ))
}
