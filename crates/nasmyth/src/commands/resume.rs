//! `nasmyth resume`

use super::{observer, stop_on_signal};
use anyhow::Result;
use clap::Args;
use nasmyth::Search;
use std::path::PathBuf;

/// Go on with a run that was interrupted or killed
#[derive(Args)]
pub struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// Trials at the same time, if not as before
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let stop = stop_on_signal()?;
        let workers = self.workers.map(|w| w as usize);
        Search::resume(&self.run, workers)?.run(&mut *observer(self.json), &stop)?;
        Ok(())
    }
}
