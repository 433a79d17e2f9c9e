//! `nasmyth evaluate`

use super::{cores, say};
use anyhow::Result;
use clap::Args;
use nasmyth::Model;
use std::path::PathBuf;

/// Judge a found network on data with labels
///
/// Of data with a test part of its own only that part is used.
#[derive(Args)]
pub struct Arguments {
    /// Folder of a run, or an ONNX file that Nasmyth exported
    model: PathBuf,
    /// File or folder with the data
    #[arg(long, value_name = "PATH")]
    data: String,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let figures = Model::load(&self.model)?.evaluate(&self.data, cores())?.figures();
        if self.json {
            return say(serde_json::to_string(&figures)?);
        }
        figures.iter().try_for_each(|(name, value)| say(format_args!("{name:10} {value:.6}")))
    }
}
