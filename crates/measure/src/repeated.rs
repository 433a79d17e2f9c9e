//! One network in one runtime, measured several times.

use crate::Measurement;
use crate::measurement::milliseconds;
use crate::noise::{LARGEST_SPREAD, spread};
use crate::statistics::{median, sorted};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// Measurements apart in time, compared: what one measurement cannot see is a machine that changes between two.
#[derive(Clone, Debug, Serialize)]
pub struct Repeated {
    /// In the order of time.
    pub measurements: Vec<Measurement>,
    /// The median of their medians, seconds.
    pub median_s: f64,
    /// Largest difference of their medians, as a share of `median_s`.
    pub spread: f64,
    /// Whether the machine was too noisy to tell: the medians of the measurements, or those within one of them, spread more than
    /// [`LARGEST_SPREAD`].
    pub noisy: bool,
}

impl Repeated {
    /// Compares measurements of the same network in the same runtime.
    pub fn new(measurements: Vec<Measurement>) -> Self {
        let medians: Vec<f64> = measurements.iter().map(|m| m.median_s).collect();
        let spread = spread(&medians);
        let noisy = spread > LARGEST_SPREAD || measurements.iter().any(|m| m.noisy.is_some());
        Self { measurements, median_s: median(&sorted(&medians)), spread, noisy }
    }
}

impl Display for Repeated {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let verdict = if self.noisy { "the machine is too noisy to tell" } else { "quiet enough" };
        write!(
            f,
            "{} measurements: median {}, medians spread by {:.1} % (at most {:.0} % is fine): {verdict}",
            self.measurements.len(),
            milliseconds(self.median_s),
            100.0 * self.spread,
            100.0 * LARGEST_SPREAD,
        )
    }
}
