//! `nasmyth device add`

use super::describe;
use anyhow::Result;
use clap::Args;
use nasmyth::runner::Address;
use nasmyth::{Host, Hosts};
use std::path::PathBuf;

/// Add a machine that is reached over SSH: copy the runner there and try it
#[derive(Args)]
pub struct Add {
    /// Where it is: ssh://[user@]host[:port]; the host may be an alias of ~/.ssh/config
    #[arg(value_name = "ADDRESS")]
    address: Address,
    /// What to call it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// File with the key [default: those that ssh finds itself]
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Folder for the runner on the machine, below the login folder unless it begins with / [default: .nasmyth]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<String>,
    /// The runner for its architecture [default: nasmyth-runner-ARCHITECTURE in $NASMYTH_RUNNERS or beside this program]
    #[arg(long, value_name = "FILE")]
    runner: Option<PathBuf>,
}

impl Add {
    pub fn run(self) -> Result<()> {
        let hosts = Hosts::of_user()?;
        hosts.check_new(&self.name)?;
        let (host, copied) = Host::set_up(
            self.address,
            self.identity.as_deref(),
            self.folder.as_deref(),
            self.runner.as_deref(),
        )?;
        hosts.put(&self.name, &host)?;
        describe(&self.name, &host, copied)
    }
}
