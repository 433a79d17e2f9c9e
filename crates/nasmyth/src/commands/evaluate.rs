//! `nasmyth evaluate`

use super::{cores, say};
use anyhow::Result;
use clap::Args;
use nasmyth::Model;
use nasmyth::engine::{Backend, Engine};
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
    /// Where to compute (`nasmyth list engines`); an ONNX file runs on the CPU
    #[arg(long, value_name = "ENGINE", default_value_t = Backend::Cpu)]
    engine: Backend,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let engine = Engine::open(self.engine, cores())?;
        let figures = Model::load(&self.model)?.evaluate(&self.data, &engine)?.figures();
        if self.json {
            return say(serde_json::to_string(&figures)?);
        }
        figures.iter().try_for_each(|(name, value)| say(format_args!("{name:10} {value:.6}")))
    }
}
