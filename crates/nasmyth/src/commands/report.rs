//! `nasmyth report`

use super::say;
use anyhow::Result;
use clap::Args;
use nasmyth::{RunFolder, write_report};
use std::path::PathBuf;

/// Write the report of a run again, also while it is going on
#[derive(Args)]
pub struct Arguments {
    /// Folder of the run
    run: PathBuf,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let folder = RunFolder::new(&self.run);
        write_report(&folder)?;
        say(folder.report().display())
    }
}
