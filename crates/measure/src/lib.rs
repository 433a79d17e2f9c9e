//! How long a network takes on this machine, in the runtime that will run it.
//!
//! [`measure`] loads a [`Model`] into one of the [`RUNTIMES`] and infers one fixed sample again and again. A [`Measurement`] is the
//! median with its 95 % interval, and says when the machine was too noisy to tell.
//!
//! ```
//! use nasmyth_measure::{Model, Options, Runtime, measure};
//! use std::time::Duration;
//!
//! let graph = nasmyth_graph::parse("graph g\nx = input(shape=[8])\ny = linear(x, out=3)\noutput y\n")?;
//! let options = Options { time: Duration::from_millis(20), ..Options::default() };
//! let measured = measure(Runtime::find("plan")?, &Model::random(graph, 0), &options)?;
//! assert!(measured.low_s <= measured.median_s && measured.median_s <= measured.high_s);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod energy;
mod error;
mod load;
mod machine;
mod measurement;
mod measurement_file;
mod model;
mod noise;
mod pinning;
mod protocol;
mod repeated;
mod runtimes;
mod statistics;
mod target;

pub use energy::EnergyMeter;
pub use error::MeasureError;
pub use machine::{cpu_name, utc};
pub use measurement::{Measurement, Options, measure};
pub use measurement_file::{Entry, MeasurementFile, MeasurementFileError};
pub use model::Model;
pub use noise::{LARGEST_SPREAD, Noise, noise, noise_of_load, spread};
pub use pinning::Pinned;
pub use protocol::{Series, take};
pub use repeated::Repeated;
pub use runtimes::{RUNTIMES, Runtime, Session};
pub use statistics::{interval, median, quantile};
pub use target::{Local, Outcome, Outcomes, Setting, Target, TargetError};
