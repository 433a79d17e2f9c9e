//! `nasmyth device show`

use crate::commands::say;
use anyhow::Result;
use clap::Args;
use nasmyth::device_text;

/// Print a device file, to copy and edit it: one of your own, or one that comes with Nasmyth
#[derive(Args)]
pub struct Show {
    /// Name of the device, or the path of a device file
    name: String,
}

impl Show {
    pub fn run(self) -> Result<()> {
        say(device_text(&self.name)?.trim_end())
    }
}
