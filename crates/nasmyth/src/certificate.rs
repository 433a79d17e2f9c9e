//! Proof that a network keeps its limits and computes the same elsewhere.

use crate::RunConfig;
use crate::fleet::{Fleet, reading};
use anyhow::{Context, Result};
use nasmyth_data::{Dataset, Subset, Task};
use nasmyth_device::{BEYOND, Cost, Costs, DeviceCost, Limit, Unit, format_quantity};
use nasmyth_engine::ParamStore;
use nasmyth_export::{Session, channels_first};
use nasmyth_graph::VerifiedGraph;
use nasmyth_measure::Model;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Samples that are compared.
const SAMPLES: usize = 256;

/// One limit, checked.
///
/// ```no_run
/// # let certificate: nasmyth::Certificate = serde_json::from_str("")?;
/// for verdict in &certificate.limits {
///     println!("{}: {} ({}), holds: {}", verdict.limit, verdict.value, verdict.how, verdict.holds);
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// As the user wrote it, e.g. `params<=100k`.
    pub limit: String,
    /// Name of the cost.
    pub cost: String,
    /// Largest value allowed.
    pub bound: u64,
    /// Value of the network.
    pub value: u64,
    /// How the value was determined.
    pub how: String,
    /// Whether the limit holds.
    pub holds: bool,
    /// For what depends on a device: prediction and measurement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_device: Option<OnDevice>,
}

/// A cost that depends on a device, in nanoseconds or nanojoules.
///
/// ```
/// let measured: nasmyth::OnDevice = serde_json::from_str(
///     r#"{"device": "this", "processor": "Xeon", "runtime": "rten", "version": "0.24", "threads": 1, "date": "2026-01-31",
///         "predicted": 1900000, "predicted_at_most": 2050000,
///         "measured": {"value": 1850000, "low": 1840000, "high": 1862000, "p99": 1990000, "noisy": null}}"#,
/// )?;
/// assert!(measured.measured.is_some_and(|m| Some(m.high) <= measured.predicted_at_most));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnDevice {
    /// Name of the device.
    pub device: String,
    /// Its processor.
    pub processor: String,
    /// The runtime.
    pub runtime: String,
    /// Its version.
    pub version: String,
    /// Its threads.
    pub threads: u32,
    /// When it was measured, UTC; where it was not, when the device was.
    pub date: String,
    /// What the model of the device says.
    pub predicted: Option<u64>,
    /// Upper end of the prediction's 95 % interval.
    pub predicted_at_most: Option<u64>,
    /// What was measured; nothing where the device cannot be reached.
    pub measured: Option<Reading>,
}

/// Measured values of a cost, in nanoseconds or nanojoules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The median.
    pub value: u64,
    /// Lower end of the median's 95 % interval.
    pub low: u64,
    /// Upper end of it.
    pub high: u64,
    /// 99 % of the readings of latency are no longer than this.
    pub p99: Option<u64>,
    /// Why the figures are not to be relied on, if so.
    pub noisy: Option<String>,
}

impl Verdict {
    /// The verdict on a limit of a finished network, which is measured for about `time` if the limit is that of a device.
    ///
    /// # Errors
    /// A device that fails.
    pub(crate) fn of(
        limit: &Limit,
        graph: &VerifiedGraph,
        model: &Model,
        fleet: &Fleet,
        time: Duration,
    ) -> Result<Self> {
        let told = fleet.meter().tell(&limit.cost, graph).ok();
        let (value, how, on_device) = match &limit.cost {
            Cost::Counted(kind) => ((kind.count)(graph), kind.how.to_owned(), None),
            Cost::OnDevice(cost, name) => {
                let device =
                    fleet.device(&limit.cost).with_context(|| format!("there is no device `{name}`"))?;
                let measurement = match fleet.measures(&limit.cost) {
                    true => Some(device.measure(model, time, fleet.attempts())?),
                    false => None,
                };
                let measured = measurement.as_ref().and_then(|m| {
                    let [value, low, high] = reading(*cost, m)?;
                    let p99 = (*cost == DeviceCost::Latency).then(|| (1e9 * m.p99_s).round() as u64);
                    Some(Reading { value, low, high, p99, noisy: m.noisy.map(|noise| noise.to_string()) })
                });
                let file = &device.file;
                let how = match &measured {
                    Some(_) => format!("measured on {} in {}: median", file.processor, file.runtime),
                    None => {
                        let beyond = file.fit(*cost).and_then(|fit| fit.beyond(graph));
                        let end = beyond.map_or("upper end of the 95 % interval".to_owned(), |beyond| {
                            format!("{BEYOND} times the prediction, because {beyond}")
                        });
                        format!("predicted, not measured, for {} in {}: {end}", file.processor, file.runtime)
                    }
                };
                let value =
                    measured.as_ref().map(|m| m.value).or(told.map(|t| t.at_most)).unwrap_or(u64::MAX);
                let on_device = OnDevice {
                    device: name.to_string(),
                    processor: file.processor.clone(),
                    runtime: file.runtime.clone(),
                    version: measurement.as_ref().map_or(&file.version_of_runtime, |m| &m.version).clone(),
                    threads: file.threads,
                    date: measurement.map_or(file.date.clone(), |m| m.date),
                    predicted: told.map(|t| t.value),
                    predicted_at_most: told.map(|t| t.at_most),
                    measured,
                };
                (value, how, Some(on_device))
            }
        };
        Ok(Self {
            limit: limit.to_string(),
            cost: limit.cost.to_string(),
            bound: limit.bound,
            value,
            how,
            holds: value <= limit.bound,
            on_device,
        })
    }

    /// What is said of a cost that was predicted and not measured.
    pub(crate) fn unmeasured(&self) -> Option<String> {
        let on_device = self.on_device.as_ref().filter(|on_device| on_device.measured.is_none())?;
        let unit = self.limit.parse::<Limit>().map_or(Unit::Count, |limit| limit.cost.unit());
        let predicted = format_quantity(on_device.predicted?, unit);
        Some(format!(
            "predicted {}: {predicted}, at most {}: {}",
            self.cost,
            format_quantity(on_device.predicted_at_most?, unit),
            self.how
        ))
    }

    /// The value with its unit.
    pub fn value_text(&self) -> String {
        let unit = self.limit.parse::<Limit>().map_or(Unit::Count, |limit| limit.cost.unit());
        format_quantity(self.value, unit)
    }
}

/// Our outputs against those of an independent runtime on the exported file.
///
/// ```
/// let check: nasmyth::RuntimeCheck = serde_json::from_str(
///     r#"{"runtime": "rten", "samples": 256, "largest_difference": 4.3e-6, "same_answers": 1.0}"#,
/// )?;
/// assert!(check.largest_difference <= 1e-4);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuntimeCheck {
    /// Name of the runtime.
    pub runtime: String,
    /// Test samples compared.
    pub samples: usize,
    /// Largest absolute difference of any output (for regression in standard deviations of the target).
    pub largest_difference: f64,
    /// Share of samples that both answer alike (classification).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_answers: Option<f64>,
}

/// What is certified about a network.
///
/// ```no_run
/// use nasmyth::Certificate;
///
/// let text = std::fs::read_to_string("runs/mnist1d/best/certificate.json")?;
/// let certificate: Certificate = serde_json::from_str(&text)?;
/// assert!(certificate.limits.iter().all(|verdict| verdict.holds));
/// println!("{} parameters", certificate.costs.get("params").unwrap_or(0));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Canonical hash of the architecture.
    pub architecture: String,
    /// Every limit.
    pub limits: Vec<Verdict>,
    /// Every cost, with and without limit.
    pub costs: Costs,
    /// Comparison with an independent runtime.
    pub runtime: RuntimeCheck,
}

impl Certificate {
    /// Counts the costs again, measures those that have a limit and depend on a device, and runs the exported file in `rten` beside our
    /// own `outputs` for the test samples.
    pub(crate) fn issue(
        (graph, params): (&VerifiedGraph, &ParamStore<f32>),
        config: &RunConfig,
        fleet: &Fleet,
        onnx: &[u8],
        data: &Dataset,
        outputs: &[f32],
    ) -> Result<Self> {
        let runtime = compare(onnx, data, outputs)?;
        let model = Model::new(graph.clone(), params.clone()).with_onnx(onnx.to_vec());
        let time = fleet.certificate_time();
        let verdict = |limit| Verdict::of(limit, graph, &model, fleet, time);
        let limits: Vec<Verdict> = config.limits.0.iter().map(verdict).collect::<Result<_>>()?;
        let mut costs = Costs::of(graph);
        costs.0.extend(limits.iter().filter(|v| v.on_device.is_some()).map(|v| (v.cost.clone(), v.value)));
        for cost in config.objectives.on_devices() {
            // As a limit that everything keeps.
            let told =
                Verdict::of(&Limit { cost: cost.clone(), bound: u64::MAX }, graph, &model, fleet, time)?;
            costs.0.entry(told.cost).or_insert(told.value);
        }
        Ok(Self { architecture: format!("{:032x}", graph.canonical_hash()), limits, costs, runtime })
    }

    /// The first limit that does not hold.
    pub fn broken(&self) -> Option<&Verdict> {
        self.limits.iter().find(|verdict| !verdict.holds)
    }
}

fn compare(onnx: &[u8], data: &Dataset, outputs: &[f32]) -> Result<RuntimeCheck> {
    let session =
        Session::load(onnx).context("the exported network does not load in the independent runtime")?;
    let samples = SAMPLES.min(data.len(Subset::Test));
    let mut x = vec![0.0; samples * data.features().len()];
    for (i, x) in x.chunks_exact_mut(data.features().len()).enumerate() {
        data.read(Subset::Test, i, x);
    }
    let theirs = session.run(&channels_first(&data.features().shape(), &x), samples)?;
    let ours = &outputs[..theirs.len().min(outputs.len())];
    let unit = f64::from(data.statistics().target_std);
    let difference = |(a, b): (&f32, &f32)| f64::from((a - b).abs()) / unit;
    let largest = ours.iter().zip(&theirs).map(difference).fold(0.0, f64::max);
    let same_answers = matches!(data.task(), Task::Classification { .. }).then(|| {
        let width = data.task().outputs();
        let rows = || ours.chunks_exact(width).zip(theirs.chunks_exact(width));
        rows().filter(|(a, b)| answer(a) == answer(b)).count() as f64 / samples as f64
    });
    Ok(RuntimeCheck { runtime: "rten".to_owned(), samples, largest_difference: largest, same_answers })
}

/// Index of the largest output; the first of several.
pub(crate) fn answer(row: &[f32]) -> usize {
    (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
}
