//! `nasmyth device remove`

use crate::commands::say;
use anyhow::Result;
use clap::Args;
use nasmyth::Hosts;

/// Forget a machine that was added
#[derive(Args)]
pub struct Remove {
    /// Name of the device
    name: String,
}

impl Remove {
    pub fn run(self) -> Result<()> {
        let hosts = Hosts::of_user()?;
        // A broken entry can be removed, too.
        let runner = hosts.get(&self.name).ok().map(|host| (host.folder, host.address));
        hosts.remove(&self.name)?;
        match runner {
            Some((folder, address)) => {
                say(format_args!("forgot {}; {folder}/nasmyth-runner is still on {address}", self.name))
            }
            None => say(format_args!("forgot {}", self.name)),
        }
    }
}
