//! `nasmyth bench limits`

use crate::commands::say;
use anyhow::{Result, ensure};
use clap::Args;
use nasmyth::bench::ConstrainedSize;
use nasmyth::{LimitStudy, Treatment, limit_study_text, study_limits, write_limit_study};
use std::path::PathBuf;

/// Compare four treatments of limits on planted spaces whose best network within a limit is known: soft loss, absolute reward, rejection,
/// hard polytope
#[derive(Args)]
pub struct Limits {
    /// Size of the spaces: GENESxOPTIONS, whose qualities add up, or GENESxOPTIONS:PAIRS
    #[arg(long, value_name = "SIZE", default_value = "8x5")]
    planted: ConstrainedSize,
    /// Limits: shares of the way from the lowest to the highest cost
    #[arg(long, value_name = "SHARES", value_delimiter = ',', default_values_t = [0.3, 0.5, 0.7])]
    limit: Vec<f64>,
    /// Powers of the soft loss (beta)
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_values_t = [0.6, 2.0, 6.0])]
    soft: Vec<f64>,
    /// Penalties of the absolute reward (-beta)
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_values_t = [0.3, 1.0, 3.0])]
    absolute: Vec<f64>,
    /// Steps of each search
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=1_000_000))]
    steps: u64,
    /// Standard deviation of the noise
    #[arg(long, value_name = "NUMBER", default_value_t = 0.05)]
    noise: f64,
    /// Searches of each treatment under each limit
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    /// Folder for limits.json, limits.csv and limits.html
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Limits {
    pub fn run(self) -> Result<()> {
        let within = |values: &[f64], most: f64| values.iter().all(|value| (0.0..=most).contains(value));
        ensure!(within(&self.limit, 1.0), "--limit: expected shares from 0 to 1, got {:?}", self.limit);
        ensure!(within(&self.soft, 100.0), "--soft: expected numbers from 0 to 100, got {:?}", self.soft);
        ensure!(
            self.absolute.iter().all(|value| *value > 0.0 && *value <= 1e6),
            "--absolute: expected numbers above 0, at most a million, got {:?}",
            self.absolute
        );
        ensure!(within(&[self.noise], 1e3), "--noise: expected a number from 0 to 1000, got {}", self.noise);
        let soft = self.soft.iter().map(|&exponent| Treatment::SoftLoss { exponent });
        let absolute = self.absolute.iter().map(|&penalty| Treatment::AbsoluteReward { penalty });
        let hard = [Treatment::Rejection, Treatment::Polytope];
        let treatments: Vec<Treatment> = soft.chain(absolute).chain(hard).collect();
        let study = LimitStudy {
            size: self.planted,
            shares: self.limit,
            steps: self.steps,
            noise: self.noise,
            seeds: self.seeds,
        };
        let results = study_limits(&study, &treatments)?;
        if let Some(folder) = &self.out {
            write_limit_study(folder, &study, &results)?;
        }
        say(limit_study_text(&study, &results).trim_end())
    }
}
