//! The runner as a program on another machine.

use super::session::Session;
use super::{RemoteError, Ssh};
use crate::protocol::{Greeting, Job, PROTOCOL};
use serde::Deserialize;

/// `$1` is the folder. With `exit`, a runner that is killed is an exit code of the shell; `ssh` alone would call it a lost connection.
const RUN: &str = r#""$1/nasmyth-runner"; exit $?"#;

/// A runner that was copied to a machine.
#[derive(Clone, Debug)]
pub struct RunnerThere {
    /// The way to the machine.
    pub ssh: Ssh,
    /// Its folder there.
    pub folder: String,
    /// [`hash`](crate::hash) of the file that was copied.
    pub hash: String,
}

impl RunnerThere {
    /// What it says of itself.
    pub(crate) fn greet(&self) -> Result<Greeting, RemoteError> {
        let nothing = Job { protocol: PROTOCOL, networks: Vec::new(), threads: 1, time_s: 1.0 };
        let (session, greeting) = self.start(&nothing)?;
        session.finish()?;
        Ok(greeting)
    }

    /// Starts it with a job, if it is the one that was copied and of this version; the session then gives the outcomes.
    pub(crate) fn start(&self, job: &Job) -> Result<(Session, Greeting), RemoteError> {
        let mut session = self.ssh.start(RUN, &[&self.folder])?;
        session.send(&serde_json::to_vec(job).unwrap_or_default());
        while let Some(line) = session.line() {
            if let Ok(hello) = serde_json::from_str(&line) {
                return Ok((session, self.check(hello, &line)?));
            }
        }
        let (code, reason) = session.finish()?;
        Err(self.failure(code, reason))
    }

    fn check(&self, hello: Hello, line: &str) -> Result<Greeting, RemoteError> {
        let Hello { protocol, version } = hello;
        let address = self.ssh.address.clone();
        let ours = (protocol, version.as_str()) == (PROTOCOL, env!("CARGO_PKG_VERSION"));
        let greeting = serde_json::from_str(line).ok().filter(|_| ours);
        let greeting: Greeting =
            greeting.ok_or(RemoteError::Version { address, theirs: version, protocol })?;
        if greeting.hash != self.hash {
            let (address, ours) = (self.ssh.address.clone(), self.hash.clone());
            return Err(RemoteError::OtherRunner { address, theirs: greeting.hash, ours });
        }
        Ok(greeting)
    }

    /// It ended with this exit code and these last words.
    pub(crate) fn failure(&self, code: i32, reason: String) -> RemoteError {
        let (address, folder) = (self.ssh.address.clone(), self.folder.clone());
        RemoteError::Start { address, folder, code, reason }
    }
}

/// What greetings of all protocols have in common.
#[derive(Deserialize)]
struct Hello {
    protocol: u32,
    version: String,
}
