//! `nasmyth device measure`

use crate::commands::say;
use anyhow::Result;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use nasmyth::measure::{Model, Options, RUNTIMES, Repeated, Runtime, cpu_name, measure};
use nasmyth::{measurable, parse_duration};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// Measure how long one inference of one sample takes on this machine
#[derive(Args)]
pub struct Measure {
    /// Folder of a run, ONNX file, or text form of a network (with initial weights)
    network: PathBuf,
    /// Where to run it; several with commas (`nasmyth list runtimes`)
    #[arg(long, value_name = "NAME", default_value = "plan", value_delimiter = ',', value_parser = runtimes())]
    runtime: Vec<String>,
    /// Threads that the runtime may use; with one, it is pinned to a core
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// Time of each measurement, warm-up included
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_duration)]
    time: Duration,
    /// Measure so often, to see how far figures agree
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: u32,
    /// Pause before each repetition
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    every: Duration,
    /// The library of ONNX Runtime, or the folder it is in; searched for by default
    #[arg(long, value_name = "PATH")]
    onnxruntime: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn runtimes() -> PossibleValuesParser {
    PossibleValuesParser::new(RUNTIMES.iter().map(|r| PossibleValue::new(r.name).help(r.doc)))
}

/// Measurements of one network, by runtime.
#[derive(Serialize)]
struct Report<'a> {
    network: &'a str,
    runtimes: Vec<Repeated>,
}

impl Measure {
    pub fn run(self) -> Result<()> {
        let model = measurable(&self.network)?;
        let runtimes: Vec<&Runtime> =
            self.runtime.iter().map(|name| Runtime::find(name)).collect::<Result<_, _>>()?;
        let runtimes = self.measurements(&model, &runtimes)?;
        if self.json {
            return say(serde_json::to_string_pretty(&Report { network: model.name(), runtimes })?);
        }
        let several = runtimes.iter().filter(|r| r.measurements.len() > 1);
        several.into_iter().try_for_each(|r| say(format_args!("{}, {r}", r.measurements[0].runtime)))
    }

    /// For each runtime its measurements; the runtimes take turns, so that they meet the same moments of the machine.
    fn measurements(&self, model: &Model, runtimes: &[&Runtime]) -> Result<Vec<Repeated>> {
        let threads = self.threads as usize;
        let options = Options { threads, time: self.time, onnxruntime: self.onnxruntime.clone() };
        let mut measured = vec![Vec::new(); runtimes.len()];
        let mut title = Some(format!("{} on {}, one sample at a time", model.name(), cpu_name()));
        for repetition in 0..self.repeat {
            if repetition > 0 {
                std::thread::sleep(self.every);
            }
            for (runtime, measured) in runtimes.iter().zip(&mut measured) {
                let measurement = measure(runtime, model, &options)?;
                if !self.json {
                    title.take().map_or(Ok(()), say)?;
                    say(&measurement)?;
                }
                measured.push(measurement);
            }
        }
        Ok(measured.into_iter().map(Repeated::new).collect())
    }
}
