//! A machine with a runner, as a device that measures.

use super::session::Session;
use super::{RemoteError, RunnerThere};
use crate::protocol::{Job, PROTOCOL, REFUSED};
use nasmyth_graph::VerifiedGraph;
use nasmyth_measure::{Outcome, Outcomes, Setting, Target, TargetError};
use std::time::Duration;

/// How often a network may be what the runner dies of: once may be somebody else's doing.
const TRIES: usize = 2;
/// Deaths without an outcome between them, before the device is to blame.
const MOST_DEATHS: usize = 2 * TRIES;

/// Another machine. Its runtime is `plan`, Nasmyth's own engine.
pub struct Remote {
    runner: RunnerThere,
    setting: Setting,
}

impl Remote {
    /// The machine called `name`, with a processor `cpu`, that has this runner.
    pub fn new(name: &str, cpu: &str, runner: RunnerThere, threads: usize) -> Self {
        let setting = Setting {
            device: name.to_owned(),
            cpu: cpu.to_owned(),
            runtime: "plan".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            threads,
        };
        Self { runner, setting }
    }

    /// Starts the runner with `networks`, on the processor that it was added with.
    fn start(&self, networks: &[&VerifiedGraph], time: Duration) -> Result<Session, RemoteError> {
        let job = Job {
            protocol: PROTOCOL,
            networks: networks.iter().map(|network| network.to_text()).collect(),
            threads: self.setting.threads,
            time_s: time.as_secs_f64(),
        };
        let (session, greeting) = self.runner.start(&job)?;
        if greeting.cpu != self.setting.cpu {
            let (address, ours) = (self.runner.ssh.address.clone(), self.setting.cpu.clone());
            return Err(RemoteError::OtherProcessor { address, theirs: greeting.cpu, ours });
        }
        Ok(session)
    }
}

impl Target for Remote {
    fn setting(&self) -> &Setting {
        &self.setting
    }

    /// All networks go over one connection. A network that the runner dies of has failed, and the others are measured by a new runner.
    fn measure<'a>(
        &'a self,
        networks: &'a [&'a VerifiedGraph],
        time: Duration,
    ) -> Result<Outcomes<'a>, TargetError> {
        let session = Some(self.start(networks, time).map_err(boxed)?);
        Ok(Box::new(Measuring { remote: self, left: networks, time, session, deaths: 0 }))
    }
}

fn boxed(error: RemoteError) -> TargetError {
    TargetError(Box::new(error))
}

/// Networks under measurement.
struct Measuring<'a> {
    remote: &'a Remote,
    left: &'a [&'a VerifiedGraph],
    time: Duration,
    session: Option<Session>,
    /// Since the last outcome.
    deaths: usize,
}

impl Iterator for Measuring<'_> {
    type Item = Result<Outcome, TargetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left.is_empty() {
            return None;
        }
        let outcome = self.outcome();
        self.left = if outcome.is_ok() { &self.left[1..] } else { &[] };
        Some(outcome.map_err(boxed))
    }
}

impl Measuring<'_> {
    /// Of the first network that is left.
    fn outcome(&mut self) -> Result<Outcome, RemoteError> {
        loop {
            let mut session = match self.session.take() {
                Some(session) => session,
                None => self.remote.start(self.left, self.time)?,
            };
            if let Some(line) = session.line() {
                (self.session, self.deaths) = (Some(session), 0);
                return self.read(line);
            }
            let (code, reason) = session.finish()?;
            self.deaths += 1;
            if self.deaths == MOST_DEATHS || code == i32::from(REFUSED) {
                return Err(self.remote.runner.failure(code, reason));
            }
            if self.deaths.is_multiple_of(TRIES) {
                return Ok(Outcome::Failed(format!(
                    "the runner dies of this network (exit code {code}; 137 is often too little memory): {reason}"
                )));
            }
        }
    }

    fn read(&self, line: String) -> Result<Outcome, RemoteError> {
        serde_json::from_str(&line).map_err(|error| RemoteError::Answer {
            address: self.remote.runner.ssh.address.clone(),
            line,
            reason: error.to_string(),
        })
    }
}
