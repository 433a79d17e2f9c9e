//! `nasmyth device`

mod evaluate;
mod measure;

use anyhow::Result;
use clap::{Args, Subcommand};
use evaluate::Evaluate;
use measure::Measure;

/// Devices, and how fast networks are on them
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Measure(Measure),
    Evaluate(Evaluate),
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Measure(measure) => measure.run(),
            What::Evaluate(evaluate) => evaluate.run(),
        }
    }
}
