//! `nasmyth device update`

use super::describe;
use anyhow::{Context, Result};
use clap::Args;
use nasmyth::Hosts;
use std::path::PathBuf;

/// Look at an added machine anew, and copy the runner of this version there
#[derive(Args)]
pub struct Update {
    /// Name of the device
    name: String,
    /// The runner for its architecture [default: nasmyth-runner-ARCHITECTURE in $NASMYTH_RUNNERS or beside this program]
    #[arg(long, value_name = "FILE")]
    runner: Option<PathBuf>,
}

impl Update {
    pub fn run(self) -> Result<()> {
        let hosts = Hosts::of_user()?;
        let updated = hosts.get(&self.name)?.update(self.runner.as_deref());
        let (host, copied) = updated.with_context(|| format!("device `{}`", self.name))?;
        hosts.put(&self.name, &host)?;
        describe(&self.name, &host, copied)
    }
}
