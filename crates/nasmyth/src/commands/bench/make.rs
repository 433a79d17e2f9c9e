//! `nasmyth bench make`

use super::Show;
use crate::commands::{cores, stop_on_signal};
use anyhow::Result;
use clap::Args;
use nasmyth::Cells1d;
use std::io::Write;
use std::path::PathBuf;

/// Make a built-in table again, by training all its networks
#[derive(Args)]
pub struct Make {
    /// The table
    #[arg(value_parser = ["cells1d"])]
    table: String,
    /// File to write, compressed if its name ends with .gz; finished trainings are kept beside it, in FILE.trainings
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Trainings of each network
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    seeds: u32,
    /// Epochs of each training
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    epochs: u32,
    /// Only so many of the networks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cells: Option<u32>,
    /// Threads; no influence on the result [default: cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
}

impl Make {
    pub fn run(self) -> Result<()> {
        let make = Cells1d {
            seeds: self.seeds,
            epochs: self.epochs,
            cells: self.cells.map_or(usize::MAX, |n| n as usize),
            workers: self.workers.map_or(cores(), |n| n as usize),
        };
        let told = |done: usize, total: usize| {
            if done.is_multiple_of(100) || done == total {
                let _ = writeln!(std::io::stderr(), "{done} of {total} trainings");
            }
        };
        make.make(&self.out, &stop_on_signal()?, &told)?;
        Show { table: self.out }.run()
    }
}
