//! Bringing the runner to a machine that has nothing but a shell.

use super::session::Session;
use super::{Architecture, RemoteError, RunnerFile, Ssh};
use crate::protocol::{Greeting, Job, PROTOCOL};
use serde::Deserialize;

/// What comes before may be the chatter of login scripts.
const MACHINE: &str = "echo nasmyth; uname -sm";

/// `$1` is the folder and `$2` the size: a copy that was cut off must not take the place of a whole one.
const COPY: &str = r#"umask 077
new="$1/nasmyth-runner.$$"
mkdir -p "$1" && cat > "$new" && test "$(wc -c < "$new")" -eq "$2" && chmod 700 "$new" && mv -f "$new" "$1/nasmyth-runner" && exit 0
rm -f "$new"
exit 73"#;

/// `$1` is the folder. With `exit`, a runner that is killed is an exit code of the shell; `ssh` alone would call it a lost connection.
const RUN: &str = r#""$1/nasmyth-runner"; exit $?"#;

/// A runner that works.
pub struct Installed {
    /// What it says of itself and the machine.
    pub greeting: Greeting,
    /// Whether it had to be copied.
    pub copied: bool,
}

/// What kind of machine it is.
///
/// # Errors
/// It cannot be reached, or is of none that runners are built for.
pub fn architecture(ssh: &Ssh) -> Result<&'static Architecture, RemoteError> {
    let out = ssh.run(MACHINE, &[], b"")?.out;
    let machine = out.lines().skip_while(|line| *line != "nasmyth").nth(1).unwrap_or_default();
    let known = machine.strip_prefix("Linux ").and_then(Architecture::of_machine);
    known.ok_or_else(|| RemoteError::Machine { address: ssh.address.clone(), machine: machine.to_owned() })
}

/// Whether `folder` can stand in a command. Relative ones are below the login folder.
///
/// # Errors
/// It cannot.
pub fn check_folder(folder: &str) -> Result<(), RemoteError> {
    let wrong = folder.is_empty() || folder.starts_with('-') || folder.contains(char::is_control);
    if wrong { Err(RemoteError::FolderName(folder.to_owned())) } else { Ok(()) }
}

/// Copies `runner` into `folder` on the machine, unless it is there, and tries it.
///
/// # Errors
/// The machine cannot be reached, the folder not written, or the runner does not run there.
pub fn install(ssh: &Ssh, folder: &str, runner: &RunnerFile) -> Result<Installed, RemoteError> {
    check_folder(folder)?;
    match greet(ssh, folder).and_then(|greeting| check(ssh, greeting, &runner.hash)) {
        Ok(greeting) => return Ok(Installed { greeting, copied: false }),
        Err(error) if error.is_cured_by_copying() => {}
        Err(error) => return Err(error),
    }
    let size = runner.size().to_string();
    let copy = ssh.run(COPY, &[folder, &size], &runner.bytes)?;
    if copy.code != 0 {
        let (address, folder) = (ssh.address.clone(), folder.to_owned());
        return Err(RemoteError::Folder { address, folder, reason: copy.err });
    }
    let greeting = greet(ssh, folder).and_then(|greeting| check(ssh, greeting, &runner.hash))?;
    Ok(Installed { greeting, copied: true })
}

/// What the runner says of itself.
fn greet(ssh: &Ssh, folder: &str) -> Result<Greeting, RemoteError> {
    let nothing = Job { protocol: PROTOCOL, networks: Vec::new(), threads: 1, time_s: 1.0 };
    let (session, greeting) = start(ssh, folder, &nothing)?;
    session.finish()?;
    Ok(greeting)
}

/// Starts the runner with a job; the session then gives the outcomes.
pub(crate) fn start(ssh: &Ssh, folder: &str, job: &Job) -> Result<(Session, Greeting), RemoteError> {
    let mut session = ssh.start(RUN, &[folder])?;
    session.send(&serde_json::to_vec(job).unwrap_or_default());
    while let Some(line) = session.line() {
        if let Ok(hello) = serde_json::from_str::<Hello>(&line) {
            let other = |_| hello.error(ssh);
            return Ok((session, serde_json::from_str(&line).map_err(other)?));
        }
    }
    let (code, reason) = session.finish()?;
    Err(RemoteError::Start { address: ssh.address.clone(), folder: folder.to_owned(), code, reason })
}

/// What greetings of all protocols have in common.
#[derive(Deserialize)]
struct Hello {
    protocol: u32,
    version: String,
}

impl Hello {
    fn error(&self, ssh: &Ssh) -> RemoteError {
        let (theirs, protocol) = (self.version.clone(), self.protocol);
        RemoteError::Version { address: ssh.address.clone(), theirs, protocol }
    }
}

/// Whether it is of this version, and the file with this hash.
pub(crate) fn check(ssh: &Ssh, greeting: Greeting, hash: &str) -> Result<Greeting, RemoteError> {
    let address = ssh.address.clone();
    if (greeting.protocol, greeting.version.as_str()) != (PROTOCOL, env!("CARGO_PKG_VERSION")) {
        let (theirs, protocol) = (greeting.version, greeting.protocol);
        return Err(RemoteError::Version { address, theirs, protocol });
    }
    if greeting.hash != hash {
        return Err(RemoteError::OtherRunner { address, theirs: greeting.hash, ours: hash.to_owned() });
    }
    Ok(greeting)
}
