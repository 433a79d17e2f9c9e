//! The user's `ssh` program.

use super::session::Session;
use super::{Address, RemoteError};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Options of every call: it never asks, never trusts an unknown host, forwards nothing, and notices within a minute that the
/// other side is gone.
const OPTIONS: &[&str] = &[
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ControlMaster=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "LogLevel=ERROR",
];

/// How a machine is reached.
#[derive(Clone, Debug)]
pub struct Ssh {
    /// The program and its first arguments, such as `["ssh", "-F", "config"]`.
    pub command: Vec<String>,
    /// The machine.
    pub address: Address,
    /// File with the key; otherwise those that `ssh` knows of.
    pub identity: Option<PathBuf>,
}

/// What a script left.
pub(crate) struct Finished {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ssh {
    /// The `ssh` on the path.
    pub fn new(address: Address, identity: Option<PathBuf>) -> Self {
        Self { command: vec!["ssh".to_owned()], address, identity }
    }

    /// Starts a script for `sh` on the machine, with `$1`, `$2` ...
    pub(crate) fn start(&self, script: &str, arguments: &[&str]) -> Result<Session, RemoteError> {
        let (program, first) = self.command.split_first().ok_or(RemoteError::NoCommand)?;
        let mut command = Command::new(program);
        // What it says is read: not in the user's language.
        command.args(first).env("LC_ALL", "C");
        command.args(OPTIONS.iter().flat_map(|option| ["-o", option]));
        if let Some(identity) = &self.identity {
            command.args(["-o", "IdentitiesOnly=yes", "-i"]).arg(identity);
        }
        if let Some(user) = self.address.user() {
            command.args(["-l", user]);
        }
        if let Some(port) = self.address.port() {
            command.args(["-p", &port.to_string()]);
        }
        let words = [&["sh", "-c", script, "nasmyth"], arguments].concat();
        let words: Vec<String> = words.into_iter().map(quoted).collect();
        command.arg("--").arg(self.address.host()).arg(words.join(" "));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn();
        let child = child.map_err(|error| RemoteError::NoSsh { program: program.clone(), error })?;
        Ok(Session::new(child, self.address.clone()))
    }

    /// Runs a script to its end with `input` on its standard input.
    pub(crate) fn run(
        &self,
        script: &str,
        arguments: &[&str],
        input: &[u8],
    ) -> Result<Finished, RemoteError> {
        let mut session = self.start(script, arguments)?;
        session.send(input);
        let mut out = String::new();
        while let Some(line) = session.line() {
            out.push_str(&line);
            out.push('\n');
        }
        let (code, err) = session.finish()?;
        Ok(Finished { code, out, err })
    }
}

/// One word for the shells that login programs start: sh and its kin, csh, fish.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_script_as_they_are() {
        for word in ["", "plain/path-1.x", "two words", "it's; $(reboot) `x` \"y\"", "-n", "*"] {
            let line = format!("printf %s {}", quoted(word));
            let out = Command::new("sh").args(["-c", &line]).output().unwrap().stdout;
            assert_eq!(String::from_utf8(out).unwrap(), word);
        }
    }
}
