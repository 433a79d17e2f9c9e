//! The commands, one per file.

mod bench;
mod device;
mod evaluate;
mod export;
mod inspect;
mod list;
mod predict;
mod report;
mod resume;
mod samples;
mod search;
mod train;
mod zoo;

use crate::bars::Bars;
use anyhow::Result;
use clap::{Parser, Subcommand};
use nasmyth::estimator::StopFlag;
use nasmyth::{Json, Lines, Observer};
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// The best neural network that fits your device: from data, hard limits and a time to a trained, exported network.
#[derive(Parser)]
#[command(name = "nasmyth", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Search(search::Arguments),
    Resume(resume::Arguments),
    Report(report::Arguments),
    Export(export::Arguments),
    Evaluate(evaluate::Arguments),
    Predict(predict::Arguments),
    Samples(samples::Arguments),
    Train(train::Arguments),
    Inspect(inspect::Arguments),
    List(list::Arguments),
    Zoo(zoo::Arguments),
    Bench(bench::Arguments),
    Device(device::Arguments),
}

impl Cli {
    /// Does what was asked for.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Search(a) => a.run(),
            Command::Resume(a) => a.run(),
            Command::Report(a) => a.run(),
            Command::Export(a) => a.run(),
            Command::Evaluate(a) => a.run(),
            Command::Predict(a) => a.run(),
            Command::Samples(a) => a.run(),
            Command::Train(a) => a.run(),
            Command::Inspect(a) => a.run(),
            Command::List(a) => a.run(),
            Command::Zoo(a) => a.run(),
            Command::Bench(a) => a.run(),
            Command::Device(a) => a.run(),
        }
    }
}

/// Whoever listens: JSON lines on request, bars on a terminal, plain lines otherwise.
fn observer(json: bool) -> Box<dyn Observer> {
    if json {
        Box::new(Json(io::stdout()))
    } else if io::stderr().is_terminal() {
        Box::new(Bars::new())
    } else {
        Box::new(Lines::new(io::stderr()))
    }
}

/// A flag that Ctrl-C or SIGTERM raises. A second signal ends the process at once: the log survives that too.
fn stop_on_signal() -> Result<StopFlag> {
    static SIGNALLED: AtomicBool = AtomicBool::new(false);
    let stop = StopFlag::new();
    let raised = stop.clone();
    ctrlc::set_handler(move || {
        if SIGNALLED.swap(true, Ordering::SeqCst) {
            std::process::exit(4);
        }
        raised.raise();
        let _ = writeln!(io::stderr(), "stopping; once more to stop at once");
    })?;
    Ok(stop)
}

/// Writes a line to standard output. A reader that has seen enough, such as `head`, is no error.
fn say(line: impl Display) -> Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// As many threads as the machine has cores.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
