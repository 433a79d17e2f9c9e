//! `nasmyth inspect`

use super::say;
use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use nasmyth::{PlanReport, load_architecture};
use std::path::PathBuf;

/// Look into a network
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Plan(Plan),
}

/// Print the schedule of a training step or an inference, with the time and the bytes of each entry
#[derive(Args)]
struct Plan {
    /// Folder of a run, ONNX file that Nasmyth exported, or text form of a network
    network: PathBuf,
    /// What the plan is for
    #[arg(long, value_enum, default_value = "train")]
    mode: Mode,
    /// Samples at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1 << 16))]
    batch: u32,
    /// Steps to measure; the shortest time of each entry counts
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    steps: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Mode {
    /// Forward and backward
    Train,
    /// Forward
    Infer,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Plan(plan) => plan.run(),
        }
    }
}

impl Plan {
    fn run(self) -> Result<()> {
        let graph = load_architecture(&self.network)?;
        let training = self.mode == Mode::Train;
        let report = PlanReport::new(&graph, training, self.batch as usize, self.steps as usize)?;
        if self.json { say(serde_json::to_string_pretty(&report)?) } else { say(report) }
    }
}
