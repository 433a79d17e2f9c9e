//! Bringing the runner to a machine that has nothing but a shell.

use super::{Architecture, RemoteError, RunnerFile, RunnerThere, Ssh};
use crate::protocol::Greeting;

/// What comes before may be the chatter of login scripts.
const MACHINE: &str = "echo nasmyth; uname -sm";

/// `$1` is the folder and `$2` the size: a copy that was cut off must not take the place of a whole one.
const COPY: &str = r#"umask 077
new="$1/nasmyth-runner.$$"
mkdir -p "$1" && cat > "$new" && test "$(wc -c < "$new")" -eq "$2" && chmod 700 "$new" && mv -f "$new" "$1/nasmyth-runner" && exit 0
rm -f "$new"
exit 73"#;

/// A runner that works.
pub struct Installed {
    /// Where it is.
    pub runner: RunnerThere,
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

/// Copies `file` into `folder` on the machine, unless it is there, and tries it.
///
/// # Errors
/// The machine cannot be reached, the folder not written, or the runner does not run there.
pub fn install(ssh: &Ssh, folder: &str, file: &RunnerFile) -> Result<Installed, RemoteError> {
    check_folder(folder)?;
    let runner = RunnerThere { ssh: ssh.clone(), folder: folder.to_owned(), hash: file.hash.clone() };
    match runner.greet() {
        Ok(greeting) => return Ok(Installed { runner, greeting, copied: false }),
        Err(error) if error.is_cured_by_copying() => copy(ssh, folder, file)?,
        Err(error) => return Err(error),
    }
    let greeting = runner.greet()?;
    Ok(Installed { runner, greeting, copied: true })
}

fn copy(ssh: &Ssh, folder: &str, file: &RunnerFile) -> Result<(), RemoteError> {
    let copied = ssh.run(COPY, &[folder, &file.size().to_string()], &file.bytes)?;
    if copied.code == 0 {
        return Ok(());
    }
    let (address, folder) = (ssh.address.clone(), folder.to_owned());
    Err(RemoteError::Folder { address, folder, reason: copied.err })
}
