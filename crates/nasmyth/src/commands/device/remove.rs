//! `nasmyth device remove`

use crate::commands::say;
use anyhow::Result;
use clap::Args;
use nasmyth::{Hosts, forget_models};

/// Forget a device: how it is reached, its models, and what was measured for them
#[derive(Args)]
pub struct Remove {
    /// Name of the device
    name: String,
}

impl Remove {
    pub fn run(self) -> Result<()> {
        let hosts = Hosts::of_user()?;
        let forgotten = forget_models(&self.name)?;
        // A broken entry can be removed, too.
        let runner = hosts.get(&self.name).ok().map(|host| (host.folder, host.address));
        if hosts.contains(&self.name) || !forgotten {
            hosts.remove(&self.name)?;
        }
        match runner {
            Some((folder, address)) => {
                say(format_args!("forgot {}; {folder}/nasmyth-runner is still on {address}", self.name))
            }
            None => say(format_args!("forgot {}", self.name)),
        }
    }
}
