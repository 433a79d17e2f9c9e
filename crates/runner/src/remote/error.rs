//! What can go wrong on the way to a device.

use super::{ARCHITECTURES, Address, Architecture};
use crate::protocol::PROTOCOL;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why a device cannot be used.
#[derive(Debug, Error)]
pub enum RemoteError {
    /// An empty command.
    #[error("expected the name of the program `ssh`, got nothing")]
    NoCommand,
    /// The program does not start.
    #[error("cannot start `{program}`: {error}; install the client of OpenSSH")]
    NoSsh {
        /// Its name.
        program: String,
        /// The reason.
        error: io::Error,
    },
    /// No machine, or no way to it.
    #[error("{address} cannot be reached: {reason}; is it switched on, and the name right?")]
    Unreachable {
        /// The machine.
        address: Address,
        /// In `ssh`'s words.
        reason: String,
    },
    /// A machine without a server for SSH.
    #[error("{address} refuses connections: {reason}; does its SSH server run, and on this port?")]
    Refused {
        /// The machine.
        address: Address,
        /// In `ssh`'s words.
        reason: String,
    },
    /// A machine that was never seen.
    #[error(
        "the host key of {address} is not known: {reason}; connect once by hand with `ssh {}` and compare the fingerprint",
        address.arguments()
    )]
    UnknownHost {
        /// The machine.
        address: Address,
        /// In `ssh`'s words.
        reason: String,
    },
    /// Another machine under the same name, or one that was set up anew.
    #[error(
        "the host key of {address} HAS CHANGED: somebody may be in between, or the device was set up anew; only if you know that \
         it was, remove the old key as `ssh {}` tells, and connect once by hand",
        address.arguments()
    )]
    HostKeyChanged {
        /// The machine.
        address: Address,
    },
    /// It does not know the key.
    #[error(
        "{address} lets nobody in with this user and key: {reason}; try `ssh {}`; `ssh-copy-id {}` sets up a key, --identity names \
         one, and a key with a passphrase needs `ssh-agent`",
        address.arguments(),
        address.arguments()
    )]
    Denied {
        /// The machine.
        address: Address,
        /// In `ssh`'s words.
        reason: String,
    },
    /// It was there, and is gone.
    #[error("the connection to {address} was lost: {reason}")]
    Lost {
        /// The machine.
        address: Address,
        /// In `ssh`'s words.
        reason: String,
    },
    /// Not a machine that runners are built for.
    #[error("{address} is a machine of the kind `{machine}`, and runners are built for {}", machines())]
    Machine {
        /// The machine.
        address: Address,
        /// What `uname -sm` says.
        machine: String,
    },
    /// Not built yet.
    #[error(
        "there is no runner for {}, expected {}; build it in the folder of Nasmyth's source with `{}`, or name it with --runner",
        architecture.name,
        place.display(),
        architecture.build_command()
    )]
    NoRunner {
        /// What is needed.
        architecture: &'static Architecture,
        /// Where it was looked for first.
        place: PathBuf,
    },
    /// Not a runner for this device.
    #[error("{path}: expected a runner: {reason}")]
    RunnerFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Not a folder that can be named in a command.
    #[error("`{0}`: expected a folder on the device, without control characters and not beginning with `-`")]
    FolderName(String),
    /// The runner cannot be put there.
    #[error(
        "{address}: cannot write the runner into the folder `{folder}`: {reason}; choose another one with --folder"
    )]
    Folder {
        /// The machine.
        address: Address,
        /// On the device.
        folder: String,
        /// In the device's words.
        reason: String,
    },
    /// It is there, and does not do.
    #[error(
        "{address}: the runner `{folder}/nasmyth-runner` does not work there (exit code {code}): {reason}{}",
        hint(*code)
    )]
    Start {
        /// The machine.
        address: Address,
        /// On the device.
        folder: String,
        /// As the shell has it.
        code: i32,
        /// In its own words.
        reason: String,
    },
    /// Of another Nasmyth.
    #[error(
        "{address} has a runner of version {theirs} (protocol {protocol}), and this is Nasmyth {} (protocol {PROTOCOL}): copy the \
         right one with `nasmyth device update NAME`",
        env!("CARGO_PKG_VERSION")
    )]
    Version {
        /// The machine.
        address: Address,
        /// Version of the runner.
        theirs: String,
        /// Its protocol.
        protocol: u32,
    },
    /// Another machine answers, or another processor was put in.
    #[error(
        "{address} has another processor (`{theirs}`) than when it was added (`{ours}`): look at it anew with `nasmyth device update NAME`, \
         and measure again"
    )]
    OtherProcessor {
        /// The machine.
        address: Address,
        /// What it reports now.
        theirs: String,
        /// What it reported.
        ours: String,
    },
    /// Not the one that was copied.
    #[error(
        "{address} has another runner ({theirs}) than the one that was copied there ({ours}): copy it again with `nasmyth device \
         update NAME`"
    )]
    OtherRunner {
        /// The machine.
        address: Address,
        /// Its hash.
        theirs: String,
        /// The hash of what was copied.
        ours: String,
    },
    /// Not what a runner says.
    #[error("{address}: expected an outcome in JSON from the runner, got `{line}`: {reason}")]
    Answer {
        /// The machine.
        address: Address,
        /// What it says.
        line: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What exit codes of a shell mean.
fn hint(code: i32) -> &'static str {
    match code {
        126 => {
            "; it may not be run in that folder (choose another one with --folder), or is for other machines"
        }
        127 => "; it is missing (`nasmyth device update NAME` copies it again), or not a static program",
        _ => "",
    }
}

fn machines() -> String {
    let names = ARCHITECTURES.iter().flat_map(|a| a.machines);
    format!("Linux on {}", names.copied().collect::<Vec<_>>().join(", "))
}

impl RemoteError {
    /// Whether the machine is there, and only its runner missing or wrong.
    pub(crate) fn is_cured_by_copying(&self) -> bool {
        matches!(self, Self::Start { .. } | Self::Version { .. } | Self::OtherRunner { .. })
    }

    /// What `ssh` means by its last words, in the `C` locale. It has one exit code for everything.
    pub(crate) fn of_ssh(address: &Address, reason: String) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
        let address = address.clone();
        if says(&["IDENTIFICATION HAS CHANGED"]) {
            Self::HostKeyChanged { address }
        } else if says(&["Host key verification failed"]) {
            Self::UnknownHost { address, reason }
        } else if says(&["Permission denied (", "Too many authentication failures"]) {
            Self::Denied { address, reason }
        } else if says(&["Connection refused"]) {
            Self::Refused { address, reason }
        } else if says(&["Could not resolve", "timed out", "No route to host", "Network is unreachable"]) {
            Self::Unreachable { address, reason }
        } else if reason.is_empty() {
            Self::Lost { address, reason: "ssh does not say why".to_owned() }
        } else {
            Self::Lost { address, reason }
        }
    }
}
