//! The protocol of `nasmyth-runner`, a small static program that measures networks on the machine that it is copied to.
//!
//! It reads one [`Job`] in JSON from its standard input and answers in JSON lines: a [`Greeting`], then one [`Answer`] for each network,
//! in order and as soon as it is there, so that a device that dies leaves what was measured.
//!
//! ```
//! let job = r#"{"protocol": 1, "networks": ["graph g\nx = input(shape=[4])\ny = linear(x, out=2)\noutput y\n"], "time_s": 0.01}"#;
//! let mut out = Vec::new();
//! nasmyth_runner::serve(job.as_bytes(), &mut out)?;
//! let lines: Vec<&str> = std::str::from_utf8(&out)?.lines().collect();
//! assert!(lines[0].contains("\"protocol\":1") && lines[1].contains("\"median_s\""));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use nasmyth_graph::parse;
use nasmyth_measure::{MeasureError, Measurement, Model, Options, Runtime, cpu_name, measure};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::time::Duration;
use thiserror::Error;

/// Version of the protocol. Both sides refuse another one.
pub const PROTOCOL: u32 = 1;

/// Longest time for one network, seconds.
const LONGEST: f64 = 3600.0;

/// What to measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Networks in their text form. They get initial weights.
    pub networks: Vec<String>,
    /// Threads for each.
    #[serde(default = "one")]
    pub threads: usize,
    /// Seconds for each.
    pub time_s: f64,
}

fn one() -> usize {
    1
}

/// The first line: who answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Greeting {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Version of the runner.
    pub version: String,
    /// Architecture that the runner was built for, such as `aarch64`.
    pub architecture: String,
    /// Name of the processor.
    pub cpu: String,
}

/// What came of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was measured.
    Measured(Measurement),
    /// It was not, for this reason; the next ones are.
    Failed(String),
}

/// Why there is no answer at all.
#[derive(Debug, Error)]
pub enum JobError {
    /// Not JSON, or not a job.
    #[error("expected a job in JSON on standard input: {0}")]
    Format(#[from] serde_json::Error),
    /// Another version of the protocol.
    #[error(
        "this runner speaks protocol {PROTOCOL}, the job protocol {0}: copy the runner to the device again"
    )]
    Protocol(u32),
    /// Not a time.
    #[error("`time_s`: expected seconds above 0 and up to {LONGEST}, got {0}")]
    Time(f64),
    /// The other side is gone.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Only the version, so that jobs of other versions are told from broken ones.
#[derive(Deserialize)]
struct Version {
    protocol: u32,
}

/// Reads a job to its end, measures, and answers.
///
/// # Errors
/// No job, one of another protocol, or nobody to answer to.
pub fn serve(mut input: impl Read, mut out: impl Write) -> Result<(), JobError> {
    let mut text = Vec::new();
    input.read_to_end(&mut text)?;
    let job = read(&text)?;
    say(&mut out, &greeting())?;
    let time = Duration::from_secs_f64(job.time_s);
    let options = Options { threads: job.threads, time, ..Options::default() };
    job.networks.iter().try_for_each(|network| say(&mut out, &answer(network, &options)))
}

fn read(text: &[u8]) -> Result<Job, JobError> {
    let Version { protocol } = serde_json::from_slice(text)?;
    if protocol != PROTOCOL {
        return Err(JobError::Protocol(protocol));
    }
    let job: Job = serde_json::from_slice(text)?;
    let valid = job.time_s > 0.0 && job.time_s <= LONGEST;
    if valid { Ok(job) } else { Err(JobError::Time(job.time_s)) }
}

fn greeting() -> Greeting {
    Greeting {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        architecture: std::env::consts::ARCH.to_owned(),
        cpu: cpu_name(),
    }
}

fn answer(network: &str, options: &Options) -> Answer {
    let graph = match parse(network) {
        Ok(graph) => graph,
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let measured: Result<Measurement, MeasureError> =
        Runtime::find("plan").and_then(|plan| measure(plan, &Model::random(graph, 0), options));
    measured.map_or_else(|error| Answer::Failed(error.to_string()), Answer::Measured)
}

fn say(out: &mut impl Write, line: &impl Serialize) -> Result<(), JobError> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
