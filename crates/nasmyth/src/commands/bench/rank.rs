//! `nasmyth bench rank`

use crate::commands::{say, stop_on_signal};
use anyhow::{Context, Result, bail};
use clap::Args;
use nasmyth::bench::Table;
use nasmyth::weights::one_shot::method;
use nasmyth::{RankCheck, Request, RunFolder, parse_duration};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Train a super-network on data and compare how it ranks networks with a table of networks that were trained on their own
#[derive(Args)]
pub struct Rank {
    /// The table: made by `nasmyth bench import`, or builtin:NAME (`nasmyth list tables`)
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// Task [default: the first]
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// The data that the super-network learns: that of the table
    #[arg(long, value_name = "PATH")]
    data: String,
    /// One-shot method (`nasmyth list strategies`)
    #[arg(long, value_name = "STRATEGY", default_value = "spos")]
    strategy: String,
    /// Space with the genes of the table: a TOML file, or NAS-Bench-201's cells in a skeleton
    #[arg(long, value_name = "SPACE", default_value = "cell:width=8,cells=1,stride=1")]
    space: String,
    /// Networks to rank
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    cells: u32,
    /// Super-networks to train, each with a seed of its own
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// First seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    first_seed: u64,
    /// Time to train each [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, conflicts_with = "epochs")]
    time: Option<Duration>,
    /// Passes over the training data, in place of a time
    #[arg(long, value_name = "N")]
    epochs: Option<f64>,
    /// Validation samples that networks are judged on
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// Threads [default: cores]
    #[arg(long, value_name = "N")]
    workers: Option<u32>,
    /// Configuration file with a recipe and settings of the super-network
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// File for the results as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Time to train a super-network without any option.
const TIME: Duration = Duration::from_secs(600);

impl Rank {
    pub fn run(self) -> Result<()> {
        let table = Table::open(&self.table)?;
        if method(&self.strategy).is_none() {
            bail!(
                "--strategy: expected a one-shot method (`nasmyth list strategies`), got `{}`",
                self.strategy
            );
        }
        let request = match &self.config {
            None => Request::default(),
            Some(path) => {
                Request::parse(&RunFolder::read_input(path)?).with_context(|| path.display().to_string())?
            }
        };
        let request = request
            .set("data.path", Some(self.data.clone()))
            .set("strategy.name", Some(self.strategy.clone()))
            .set("space", Some(self.space.clone()))
            .set("supernet.epochs", self.epochs)
            .set("workers", self.workers.map(i64::from));
        let config = request.resolve(&request.data()?.open(request.seed()?)?)?;
        let check = RankCheck {
            table: &table,
            task: self.task.as_deref(),
            cells: self.cells as usize,
            samples: self.samples as usize,
            time: self.epochs.is_none().then(|| self.time.unwrap_or(TIME)),
            config: &config,
        };
        let mut told = |text: String| drop(writeln!(std::io::stderr(), "{text}"));
        let seeds = self.first_seed..self.first_seed + self.seeds;
        let report = check.run(seeds, &stop_on_signal()?, &mut told)?;
        if let Some(out) = &self.out {
            RunFolder::write(out, &serde_json::to_vec_pretty(&report)?)?;
        }
        say(report.text().trim_end())
    }
}
