//! `nasmyth device measure`

use crate::commands::say;
use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use nasmyth::measure::{
    Local, Measurement, Model, Options, Outcome, RUNTIMES, Repeated, Runtime, Target, cpu_name, measure,
};
use nasmyth::runner::Remote;
use nasmyth::{Hosts, measurable, parse_duration};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// Measure how long one inference of one sample takes
#[derive(Args)]
pub struct Measure {
    /// Folder of a run, ONNX file, or text form of a network (with initial weights)
    network: PathBuf,
    /// Machine: this one, or one that was added (`nasmyth device list`)
    #[arg(long, value_name = "NAME", default_value = Local::NAME)]
    device: String,
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
    device: &'a str,
    runtimes: Vec<Repeated>,
}

impl Measure {
    pub fn run(self) -> Result<()> {
        let model = measurable(&self.network)?;
        let runtimes: Vec<&Runtime> =
            self.runtime.iter().map(|name| Runtime::find(name)).collect::<Result<_, _>>()?;
        let remote = self.remote(&runtimes)?;
        let runtimes = self.measurements(&model, &runtimes, remote.as_ref())?;
        if self.json {
            let report = Report { network: model.name(), device: &self.device, runtimes };
            return say(serde_json::to_string_pretty(&report)?);
        }
        let several = runtimes.iter().filter(|r| r.measurements.len() > 1);
        several.into_iter().try_for_each(|r| say(format_args!("{}, {r}", r.measurements[0].runtime)))
    }

    /// The machine, if it is not this one.
    fn remote(&self, runtimes: &[&Runtime]) -> Result<Option<Remote>> {
        if self.device == Local::NAME {
            return Ok(None);
        }
        let remote = Hosts::of_user()?.get(&self.device)?.remote(&self.device, self.threads as usize)?;
        let runtime = &remote.setting().runtime;
        if let Some(other) = runtimes.iter().find(|r| r.name != *runtime) {
            bail!("device `{}` measures in runtime `{runtime}` only, got `{}`", self.device, other.name);
        }
        Ok(Some(remote))
    }

    /// For each runtime its measurements; the runtimes take turns, so that they meet the same moments of the machine.
    fn measurements(
        &self,
        model: &Model,
        runtimes: &[&Runtime],
        remote: Option<&Remote>,
    ) -> Result<Vec<Repeated>> {
        let mut measured = vec![Vec::new(); runtimes.len()];
        let cpu = remote.map_or_else(cpu_name, |remote| format!("{}, {}", self.device, remote.setting().cpu));
        let mut title = Some(format!("{} on {cpu}, one sample at a time", model.name()));
        for repetition in 0..self.repeat {
            if repetition > 0 {
                std::thread::sleep(self.every);
            }
            for (runtime, measured) in runtimes.iter().zip(&mut measured) {
                let measurement = match remote {
                    Some(remote) => self.there(model, remote)?,
                    None => measure(runtime, model, &self.options())?,
                };
                if !self.json {
                    title.take().map_or(Ok(()), say)?;
                    say(&measurement)?;
                }
                measured.push(measurement);
            }
        }
        Ok(measured.into_iter().map(Repeated::new).collect())
    }

    fn options(&self) -> Options {
        Options { threads: self.threads as usize, time: self.time, onnxruntime: self.onnxruntime.clone() }
    }

    fn there(&self, model: &Model, remote: &Remote) -> Result<Measurement> {
        let device = || format!("device `{}`", self.device);
        match remote.measure_one(model.network()?.0, self.time).with_context(device)? {
            Outcome::Measured(measurement) => Ok(measurement),
            Outcome::Failed(reason) => bail!("{}: {reason}", device()),
        }
    }
}
