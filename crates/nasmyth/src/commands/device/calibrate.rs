//! `nasmyth device calibrate`

use crate::commands::say;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use nasmyth::device::{DeviceFile, Score};
use nasmyth::measure::Outcome;
use nasmyth::space::{Context, Space, preset};
use nasmyth::{
    Calibration, Hosts, Progress, calibrate, context, device_folder, device_names, find_device,
    parse_duration,
};
use std::time::Duration;

/// Measure networks on a device and fit models of its latency (and energy, where it is shown): the device for `latency<=2ms@NAME`
///
/// What was measured is kept: the same command goes on where it was stopped.
#[derive(Args)]
pub struct Calibrate {
    /// Name for the device; the name of one that `device add` has made calibrates that one
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Time for measuring
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_duration)]
    time: Duration,
    /// Space whose networks will run there: a preset or a TOML file [default: all presets, on usual shapes of data]
    #[arg(long, value_name = "SPACE")]
    space: Option<String>,
    /// Data that the networks are for
    #[arg(long, value_name = "PATH", requires = "space", conflicts_with = "input")]
    data: Option<String>,
    /// Shape of one sample in place of data: 32x32x3 for images, 128x3 for series, 20 for tables
    #[arg(long, value_name = "SHAPE", requires = "space")]
    input: Option<String>,
    /// Classes, beside --input
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..))]
    classes: u32,
    /// Runtime on this machine (`nasmyth list runtimes`) [default: rten]
    #[arg(long, value_name = "NAME")]
    runtime: Option<String>,
    /// Networks that are measured afterwards, to see how good the model is
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=10_000))]
    check: u32,
    /// Of the choice of networks
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

impl Calibrate {
    pub fn run(self) -> Result<()> {
        let known =
            device_names(&device_folder()?).contains(&self.name) || Hosts::of_user()?.contains(&self.name);
        let device = match &self.runtime {
            Some(runtime) => find_device(&format!("this/{runtime}"))?,
            None => find_device(if known { &self.name } else { "this" })?,
        };
        let calibration = Calibration {
            name: self.name.clone(),
            spaces: self.spaces()?,
            time: self.time,
            check: self.check as usize,
            seed: self.seed,
        };
        let mut failures = 0;
        let (path, scores) = calibrate(device, &calibration, &mut |progress| match progress {
            Progress::Measured { outcome: Outcome::Failed(reason), .. } => {
                failures += 1;
                eprintln!("a network could not be measured: {reason}");
            }
            Progress::Measured { done, of, .. } if done % 25 == 0 || done == of => {
                eprintln!("measured {done} of {of}")
            }
            Progress::Measured { .. } => {}
            Progress::Fitted { file, noisy } => eprintln!("{}", fitted(file, noisy)),
        })?;
        if let Some([quiet, measured]) = scores {
            say(format_args!(
                "fresh networks: {} (of the medians as measured: {})",
                words(quiet),
                words(measured)
            ))?;
        }
        say(format_args!("{}: use it as `latency<=2ms@{}`", path.display(), self.name))
    }

    fn spaces(&self) -> Result<Vec<Space>> {
        let Some(space) = &self.space else { return Ok(Vec::new()) };
        let context = match (&self.data, &self.input) {
            (Some(path), _) => {
                let data = nasmyth::data::open(path, &nasmyth::data::OpenOptions::default());
                context(&data.with_context(|| path.clone())?)
            }
            (None, Some(shape)) => context_of(shape, self.classes as usize)?,
            (None, None) => bail!(
                "space `{space}` needs data to adapt to: give `--data PATH`, or `--input SHAPE` such as 32x32x3"
            ),
        };
        Ok(vec![preset(space, &context)?])
    }
}

fn context_of(shape: &str, classes: usize) -> Result<Context> {
    let axes: Option<Vec<usize>> =
        shape.split('x').map(|axis| axis.trim().parse().ok().filter(|n| *n > 0)).collect();
    match axes.as_deref() {
        Some(&[features]) => Ok(Context::table(features, classes)),
        Some(&[steps, channels]) => Ok(Context::series(steps, channels, classes)),
        Some(&[height, width, channels]) => Ok(Context::image(height, width, channels, classes)),
        _ => bail!("--input: expected a shape such as 32x32x3, 128x3 or 20, got `{shape}`"),
    }
}

fn fitted(file: &DeviceFile, noisy: usize) -> String {
    let part = |(name, fit): (&str, &Option<nasmyth::device::Fit>)| match fit {
        Some(fit) => {
            format!("{name}: {} networks; in cross-validation {}", fit.networks, words(fit.held_out))
        }
        None => format!("{name}: not available on this machine"),
    };
    let noise = format!(
        "{noisy} measurements while the machine was too noisy to tell: if these are many, calibrate again when it is quiet"
    );
    [part(("latency", &file.latency)), part(("energy", &file.energy)), noise].join("\n")
}

fn words(score: Score) -> String {
    format!(
        "{:.1} % of {} within 10 %, Spearman {:.3}",
        100.0 * score.within_10,
        score.networks,
        score.spearman
    )
}
