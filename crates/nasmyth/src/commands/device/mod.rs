//! `nasmyth device`

mod add;
mod calibrate;
mod evaluate;
mod fit;
mod list;
mod measure;
mod remove;
mod show;
mod update;
mod verify;

use super::say;
use add::Add;
use anyhow::Result;
use calibrate::Calibrate;
use clap::{Args, Subcommand};
use evaluate::Evaluate;
use fit::FitTables;
use list::List;
use measure::Measure;
use nasmyth::Host;
use remove::Remove;
use show::Show;
use update::Update;
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
    Fit(FitTables),
    Verify(Verify),
    Add(Add),
    Update(Update),
    List(List),
    Show(Show),
    Remove(Remove),
    Evaluate(Evaluate),
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Measure(measure) => measure.run(),
            What::Calibrate(calibrate) => calibrate.run(),
            What::Fit(fit) => fit.run(),
            What::Verify(verify) => verify.run(),
            What::Add(add) => add.run(),
            What::Update(update) => update.run(),
            What::List(list) => list.run(),
            What::Show(show) => show.run(),
            What::Remove(remove) => remove.run(),
            What::Evaluate(evaluate) => evaluate.run(),
        }
    }
}

/// Says what a machine is that was set up.
fn describe(name: &str, host: &Host, copied: bool) -> Result<()> {
    let Host { address, cpu, cores, architecture, runner, folder, .. } = host;
    let how = if copied { "copied to" } else { "was there already, in" };
    say(format_args!(
        "{name}: {address}, {cpu}, {cores} cores, {architecture}; runner {runner} {how} {folder}"
    ))
}
