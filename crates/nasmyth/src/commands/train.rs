//! `nasmyth train`

use super::search::name_of;
use super::{cores, observer, stop_on_signal};
use anyhow::Result;
use clap::Args;
use nasmyth::engine::Backend;
use nasmyth::{Request, RunFolder, train_architecture};
use std::path::PathBuf;

/// Train one network that is written down, and export and certify it like a found one
#[derive(Args)]
pub struct Arguments {
    /// The network in text form, such as the `architecture.txt` of a run
    architecture: PathBuf,
    /// File or folder with the data, or `builtin:mnist1d`
    #[arg(long, value_name = "PATH")]
    data: String,
    /// Column to predict, for tables [default: the last]
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// Passes over the data
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "time")]
    epochs: Option<f64>,
    /// Time for the training, such as 90s or 10m
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Hard limits that the certificate speaks of
    #[arg(long, value_name = "LIMITS")]
    limit: Option<String>,
    /// Seed of all randomness [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u32>,
    /// Where to train: auto, cpu, or a GPU that this build has (`nasmyth list engines`) [default: auto]
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Backend>,
    /// Threads; no influence on the result [default: cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    workers: Option<u32>,
    /// Folder for the result [default: runs/NAME]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Configuration file, e.g. with a recipe
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let text = RunFolder::read_input(&self.architecture)?;
        let request = match &self.config {
            None => Request::default(),
            Some(path) => Request::parse(&RunFolder::read_input(path)?)?,
        };
        let request = request
            .set("data.path", Some(self.data.clone()))
            .set("data.target", self.target)
            .set("limits", self.limit)
            .set("search.final_epochs", self.epochs)
            .set("budget.time", self.time)
            .set("seed", self.seed.map(i64::from))
            .set("engine", self.engine.map(|engine| engine.name()))
            .set("workers", Some(self.workers.map_or(cores() as i64, i64::from)));
        let out = self.out.unwrap_or_else(|| RunFolder::unused(&name_of(&self.data)));
        train_architecture(&text, &request, &out, &mut *observer(self.json), &stop_on_signal()?)
    }
}
