//! The side of the device.

use crate::protocol::{Greeting, Job, PROTOCOL, hash};
use nasmyth_graph::parse;
use nasmyth_measure::{Local, MeasureError, Options, Outcome, Runtime, cpu_name};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::time::Duration;
use thiserror::Error;

/// Longest time for one network, seconds.
const LONGEST: f64 = 3600.0;

/// Why there is no answer but the greeting.
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
    /// The engine does not run here.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The other side is gone.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Only the version, so that jobs of other versions are told from broken ones.
#[derive(Deserialize)]
struct Version {
    protocol: u32,
}

/// Greets, reads a job to its end, measures, and answers.
///
/// # Errors
/// No job, one of another protocol, or nobody to answer to.
pub fn serve(mut input: impl Read, mut out: impl Write) -> Result<(), JobError> {
    say(&mut out, &greeting())?;
    let mut text = Vec::new();
    input.read_to_end(&mut text)?;
    let job = read(&text)?;
    let options = Options { threads: job.threads, ..Options::default() };
    let device = Local::new(Runtime::find("plan")?, options)?;
    let time = Duration::from_secs_f64(job.time_s);
    job.networks.iter().try_for_each(|network| say(&mut out, &outcome(&device, network, time)))
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
    let file = std::env::current_exe().and_then(std::fs::read);
    Greeting {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        hash: file.map_or_else(|_| String::new(), |bytes| hash(&bytes)),
        cpu: cpu_name(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
    }
}

fn outcome(device: &Local, network: &str, time: Duration) -> Outcome {
    parse(network).map_or_else(|e| Outcome::Failed(e.to_string()), |graph| device.outcome(&graph, time))
}

fn say(out: &mut impl Write, line: &impl Serialize) -> Result<(), JobError> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
