//! What both sides say.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// Version of the protocol. Both sides refuse another one.
pub const PROTOCOL: u32 = 1;

/// Exit code of a runner that refuses its job.
pub const REFUSED: u8 = 2;

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

/// The first line: who answers. It comes before the job is read, and begins with the same two fields in every version of the protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Greeting {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Version of the runner.
    pub version: String,
    /// [`hash`] of its file; empty where it cannot read that.
    pub hash: String,
    /// Name of the processor.
    pub cpu: String,
    /// Cores that it may use.
    pub cores: usize,
}

/// Tells runners apart: XXH3 of the file, 128 bits in hexadecimal digits.
pub fn hash(file: &[u8]) -> String {
    format!("{:032x}", xxh3_128(file))
}
