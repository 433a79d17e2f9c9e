//! `nasmyth device fit`

use crate::commands::say;
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use nasmyth::device::{DeviceCost, DeviceFile, Fit, Header};
use nasmyth::{MeasuredTable, RunFolder, TableFit, check_device_name, device_folder, fit_tables};
use std::path::PathBuf;

/// Make a device of tables of measured networks: its models predict other networks, for `latency<=2ms@NAME`
///
/// Tables are comma-separated values with a column `network` (a cell of NAS-Bench-201, a network of the zoo with its numbers, or a file)
/// and columns such as `latency_ms` and `energy_mj`; `resolution` and `classes` say what a network of the zoo reads and answers.
#[derive(Args)]
pub struct FitTables {
    /// The tables
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Name for the device
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Its processor
    #[arg(long, value_name = "TEXT", default_value = "unknown")]
    processor: String,
    /// What the networks were measured in
    #[arg(long, value_name = "TEXT", default_value = "unknown")]
    runtime: String,
    /// Threads that it had
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: u32,
    /// Day of the measurements: YYYY-MM-DD
    #[arg(long, value_name = "DATE", default_value = "unknown")]
    date: String,
    /// Which networks a table holds, in words; once for each table [default: the names of the files]
    #[arg(long, value_name = "TEXT")]
    of: Vec<String>,
    /// Networks of each table that the model is fitted to; it is judged on all others
    #[arg(long, value_name = "N", default_value_t = 900, value_parser = clap::value_parser!(u32).range(1..))]
    train: u32,
    /// Of the choice of these networks
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Tables of networks of another kind on the same device: tells how well they are predicted
    #[arg(long, value_name = "FILE")]
    check: Vec<PathBuf>,
    /// The device file to write [default: NAME.toml in the user's folder of devices]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl FitTables {
    pub fn run(self) -> Result<()> {
        check_device_name(&self.name)?;
        let read = |files: &[PathBuf]| {
            files.iter().map(|file| MeasuredTable::read(file)).collect::<Result<Vec<_>>>()
        };
        let (tables, checks) = (read(&self.files)?, read(&self.check)?);
        let of = match self.of.len() {
            0 => self.files.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect(),
            _ => self.of,
        };
        ensure!(
            of.len() == tables.len(),
            "expected --of once for each of {} tables, got {}",
            tables.len(),
            of.len()
        );
        let header = Header {
            name: self.name.clone(),
            address: None,
            processor: self.processor,
            runtime: self.runtime,
            version_of_runtime: String::new(),
            threads: self.threads,
            date: self.date,
        };
        let how = TableFit { header, of, train: self.train as usize, seed: self.seed };
        let device = fit_tables(&tables, &how)?;
        let out = match self.out {
            Some(out) => out,
            None => {
                let folder = device_folder()?;
                std::fs::create_dir_all(&folder)
                    .with_context(|| format!("cannot write into {}", folder.display()))?;
                folder.join(format!("{}.toml", self.name))
            }
        };
        RunFolder::write(&out, device.to_text()?.as_bytes())?;
        for (cost, fit) in fits(&device) {
            say(format_args!("{}: {} networks; held out {}", cost.name(), fit.networks, words(fit)))?;
            for (table, path) in checks.iter().zip(&self.check) {
                let (held_out, covered) = table.score(cost, fit);
                let other = Fit { held_out, covered: Some(covered), ..fit.clone() };
                say(format_args!("{} in {}: {}", cost.name(), path.display(), words(&other)))?;
            }
        }
        say(format_args!("{}", out.display()))
    }
}

fn fits(device: &DeviceFile) -> impl Iterator<Item = (DeviceCost, &Fit)> {
    DeviceCost::ALL.into_iter().filter_map(|cost| Some((cost, device.fit(cost)?)))
}

fn words(fit: &Fit) -> String {
    let score = fit.held_out;
    let covered = fit
        .covered
        .map_or(String::new(), |covered| format!(", {:.1} % in their 95 % intervals", 100.0 * covered));
    format!(
        "{:.1} % of {} within 10 %, Spearman {:.3}{covered}",
        100.0 * score.within_10,
        score.networks,
        score.spearman
    )
}
