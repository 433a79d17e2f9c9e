//! `nasmyth device evaluate`

use crate::commands::say;
use anyhow::Result;
use clap::Args;
use nasmyth::bench::{DeviceProtocol, Table, evaluate_devices};
use nasmyth::devices_text;
use std::path::PathBuf;

/// Tell how well the latencies in a table are predicted: of a known device, and of a new one with few measured networks
#[derive(Args)]
pub struct Evaluate {
    /// The table, made by `nasmyth bench import`
    table: PathBuf,
    /// Devices: columns of latencies [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Vec<String>,
    /// Networks that a known device's model is fitted to; all others are held out
    #[arg(long, value_name = "N", default_value_t = 900)]
    train: usize,
    /// Networks that are measured on a new device
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    few: u32,
    /// Repetitions with other networks on the new device
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Column of the work that a latency may be proportional to [default: MACs, where the table says what it computes]
    #[arg(long, value_name = "COLUMN")]
    work: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub fn run(self) -> Result<()> {
        let table = Table::open(&self.table)?;
        let columns = if self.columns.is_empty() { table.columns().to_vec() } else { self.columns };
        let protocol =
            DeviceProtocol { train: self.train, few: self.few as usize, seeds: self.seeds, work: self.work };
        let results = evaluate_devices(&table, &columns, &protocol)?;
        match self.json {
            true => say(serde_json::to_string_pretty(&results)?),
            false => say(devices_text(&results, &protocol).trim_end()),
        }
    }
}
