//! `nasmyth device`

mod calibrate;
mod evaluate;
mod measure;
mod verify;

use anyhow::Result;
use calibrate::Calibrate;
use clap::{Args, Subcommand};
use evaluate::Evaluate;
use measure::Measure;
use verify::Verify;

/// Devices, and how fast networks are on them
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Measure(Measure),
    Calibrate(Calibrate),
    Verify(Verify),
    Evaluate(Evaluate),
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Measure(measure) => measure.run(),
            What::Calibrate(calibrate) => calibrate.run(),
            What::Verify(verify) => verify.run(),
            What::Evaluate(evaluate) => evaluate.run(),
        }
    }
}
