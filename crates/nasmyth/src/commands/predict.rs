//! `nasmyth predict`

use super::{cores, say};
use anyhow::Result;
use clap::Args;
use nasmyth::engine::{Backend, Engine};
use nasmyth::{Model, RunFolder};
use std::path::PathBuf;

/// Let a found network answer for new data
#[derive(Args)]
pub struct Arguments {
    /// Folder of a run, or an ONNX file that Nasmyth exported
    model: PathBuf,
    /// File or folder with the data; labels are not needed
    #[arg(long, value_name = "PATH")]
    data: String,
    /// CSV file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Outputs as they leave the network, instead of answers and probabilities
    #[arg(long)]
    raw: bool,
    /// Where to compute (`nasmyth list engines`); an ONNX file runs on the CPU
    #[arg(long, value_name = "ENGINE", default_value_t = Backend::Cpu)]
    engine: Backend,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let engine = Engine::open(self.engine, cores())?;
        let model = Model::load(&self.model)?;
        let csv = if self.raw {
            model.raw_csv(&self.data, &engine)?
        } else {
            model.predict_csv(&self.data, &engine)?
        };
        RunFolder::write(&self.out, csv.as_bytes())?;
        say(format_args!("{}: {} predictions", self.out.display(), csv.lines().count() - 1))
    }
}
