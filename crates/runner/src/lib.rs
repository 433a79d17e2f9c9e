//! Measuring on other machines: `nasmyth-runner`, a small static program that measures networks where Nasmyth itself is not installed,
//! and the way to it over SSH.
//!
//! **On the device**, [`serve`] greets with a line of JSON, reads one [`Job`] from its standard input and answers with one
//! [`Outcome`](nasmyth_measure::Outcome) a line, in order and as soon as it is there, so that a device that dies leaves what was measured.
//!
//! ```
//! let job = r#"{"protocol": 1, "networks": ["graph g\nx = input(shape=[4])\ny = linear(x, out=2)\noutput y\n"], "time_s": 0.01}"#;
//! let mut out = Vec::new();
//! nasmyth_runner::serve(job.as_bytes(), &mut out)?;
//! let lines: Vec<&str> = std::str::from_utf8(&out)?.lines().collect();
//! assert!(lines[0].contains("\"protocol\":1") && lines[1].contains("\"median_s\""));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **On this side**, [`install`] copies it to a machine that an [`Ssh`] leads to, and [`Remote`] is that machine as a
//! [`Target`](nasmyth_measure::Target). Keys, agents and known hosts are those of the user's own `ssh` program: no secret is read or
//! written here, and a host whose key is unknown or has changed is refused.

mod protocol;
mod remote;
mod serve;

pub use protocol::{Greeting, Job, PROTOCOL, REFUSED, hash};
pub use remote::{
    ARCHITECTURES, Address, AddressError, Architecture, Installed, Remote, RemoteError, RunnerFile,
    RunnerThere, Ssh, architecture, check_folder, install,
};
pub use serve::{JobError, serve};
