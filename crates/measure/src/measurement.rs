//! One network, measured once.

use crate::load::Load;
use crate::noise::{noise, noise_of_load};
use crate::statistics::{interval, median, quantile, sorted};
use crate::{EnergyMeter, MeasureError, Model, Noise, Pinned, Runtime, cpu_name, take, utc};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::time::Duration;

/// How to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that the runtime may use. With one, everything runs pinned to one core.
    pub threads: usize,
    /// For each network and runtime, warm-up and all.
    pub time: Duration,
    /// The library of ONNX Runtime; searched for if not given. The first that is loaded stays for the life of the process.
    pub onnxruntime: Option<PathBuf>,
}

impl Default for Options {
    /// One thread, two seconds.
    fn default() -> Self {
        Self { threads: 1, time: Duration::from_secs(2), onnxruntime: None }
    }
}

/// The latency of one network in one runtime on one machine: the time from a sample in memory to its outputs in memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Name of the runtime.
    pub runtime: String,
    /// Its version.
    pub version: String,
    /// Threads that it was given.
    pub threads: usize,
    /// The core that it was pinned to.
    pub core: Option<usize>,
    /// Median of the readings, seconds per inference.
    pub median_s: f64,
    /// Lower end of the median's 95 % interval, see [`interval`].
    pub low_s: f64,
    /// Upper end of it.
    pub high_s: f64,
    /// 99 % of the readings are no longer than this.
    pub p99_s: f64,
    /// The shortest reading.
    pub least_s: f64,
    /// Inferences that were measured.
    pub repetitions: usize,
    /// Inferences that a reading is the mean of: more than one where one alone is too short for the clock.
    pub per_reading: usize,
    /// Why the figures are not to be relied on, if so.
    pub noisy: Option<Noise>,
    /// Joules per inference, of all processor packages, idle power and other programs included. `None` where the system does not
    /// show it.
    pub energy_j: Option<f64>,
    /// Name of the processor.
    pub cpu: String,
    /// When the measurement ended, UTC.
    pub date: String,
}

/// Measures `model` in `runtime`, on the calling thread.
///
/// # Errors
/// The runtime is not there, or cannot run the network in that way.
pub fn measure(runtime: &Runtime, model: &Model, options: &Options) -> Result<Measurement, MeasureError> {
    let pinned = if options.threads == 1 { Pinned::here() } else { None };
    // Threads of the runtime inherit the core.
    let mut session = runtime.load(model, options)?;
    let mut meter = EnergyMeter::open();
    let before = Load::now();
    let mut runs = 0usize;
    let run = || {
        runs += 1;
        session.run()
    };
    let series = take(options.time, run, || update(&mut meter))?;
    update(&mut meter);
    let load = before.zip(Load::now()).and_then(|(before, now)| now.others_since(&before));
    let (low_s, high_s) = interval(&series.seconds);
    let sorted = sorted(&series.seconds);
    Ok(Measurement {
        runtime: runtime.name.to_owned(),
        version: runtime.version(options)?,
        threads: options.threads,
        core: pinned.map(|p| p.core()),
        median_s: median(&sorted),
        low_s,
        high_s,
        p99_s: quantile(&sorted, 0.99),
        least_s: sorted.first().copied().unwrap_or(f64::NAN),
        repetitions: sorted.len() * series.group,
        per_reading: series.group,
        noisy: noise(&series.seconds).or_else(|| noise_of_load(load?)),
        energy_j: meter.map(|m| m.joules() / runs as f64),
        cpu: cpu_name(),
        date: utc(),
    })
}

/// A meter that fails once measures nothing.
fn update(meter: &mut Option<EnergyMeter>) {
    if meter.as_mut().is_some_and(|m| m.update().is_none()) {
        *meter = None;
    }
}

impl Display for Measurement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let threads = match (self.threads, self.core) {
            (1, Some(core)) => format!("1 thread on core {core}"),
            (1, None) => "1 thread".to_owned(),
            (n, _) => format!("{n} threads"),
        };
        write!(
            f,
            "{} {}, {threads}: median {} (95 %: {} to {}), p99 {}, least {}, {} inferences, energy {}",
            self.runtime,
            self.version,
            milliseconds(self.median_s),
            milliseconds(self.low_s),
            milliseconds(self.high_s),
            milliseconds(self.p99_s),
            milliseconds(self.least_s),
            self.repetitions,
            self.energy_j.map_or("not available".to_owned(), |j| format!("{:.3} mJ", 1e3 * j)),
        )?;
        self.noisy.map_or(Ok(()), |noise| write!(f, "\n  {noise}"))
    }
}

/// Four digits.
pub(crate) fn milliseconds(seconds: f64) -> String {
    let ms = 1e3 * seconds;
    let decimals = (3.0 - ms.abs().log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{ms:.decimals$} ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits_of_any_time() {
        for (seconds, text) in
            [(1.5e-6, "0.001500 ms"), (12.345_6e-6, "0.01235 ms"), (1.2, "1200 ms"), (0.0345, "34.50 ms")]
        {
            assert_eq!(milliseconds(seconds), text);
        }
    }
}
