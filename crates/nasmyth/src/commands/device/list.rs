//! `nasmyth device list`

use crate::commands::say;
use anyhow::Result;
use clap::Args;
use nasmyth::device::{DeviceCost, DeviceFile};
use nasmyth::measure::{Local, cpu_name};
use nasmyth::{Host, Hosts, READY_DEVICES, device_folder, device_names, explanation, read_device};
use serde::Serialize;

/// List the machines that networks can be measured on, and the devices whose latency can be predicted
#[derive(Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is known.
#[derive(Serialize)]
struct Devices {
    machines: Vec<Entry>,
    calibrated: Vec<Calibrated>,
    ready: Vec<Calibrated>,
}

/// A device file.
#[derive(Serialize)]
struct Calibrated {
    name: String,
    summary: String,
}

/// A machine that was added.
#[derive(Serialize)]
struct Entry {
    name: String,
    #[serde(flatten)]
    host: Option<Host>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl List {
    pub fn run(self) -> Result<()> {
        let hosts = Hosts::of_user()?;
        let entry = |name: String| match hosts.get(&name) {
            Ok(host) => Entry { name, host: Some(host), error: None },
            Err(error) => Entry { name, host: None, error: Some(explanation(&error)) },
        };
        let entries: Vec<Entry> = hosts.names()?.into_iter().map(entry).collect();
        let folder = device_folder()?;
        let calibrated: Vec<Calibrated> = device_names(&folder)
            .into_iter()
            .map(|name| {
                let file = read_device(&folder.join(format!("{name}.toml")));
                let summary =
                    file.map_or_else(|e| format!("broken: {}", explanation(&e)), |file| summary(&file));
                Calibrated { name, summary }
            })
            .collect();
        let ready = ready(&entries, &calibrated)?;
        if self.json {
            return say(serde_json::to_string_pretty(&Devices { machines: entries, calibrated, ready })?);
        }
        let names = entries.iter().map(|e| e.name.len()).chain(calibrated.iter().map(|c| c.name.len()));
        let widths = names.chain([Local::NAME.len()]);
        let width = widths.max().unwrap_or(0);
        say(format_args!("{:width$}  {}", Local::NAME, cpu_name()))?;
        entries.iter().try_for_each(|Entry { name, host, error }| match (host, error) {
            (Some(h), _) => say(format_args!(
                "{name:width$}  {}, {}, {} cores, {}, runner {}",
                h.address, h.cpu, h.cores, h.architecture, h.runner
            )),
            (None, error) => {
                say(format_args!("{name:width$}  broken: {}", error.as_deref().unwrap_or_default()))
            }
        })?;
        let line = |c: &Calibrated, width: usize| say(format_args!("{:width$}  {}", c.name, c.summary));
        calibrated.iter().try_for_each(|c| line(c, width))?;
        let width = ready.iter().map(|c| c.name.len()).max().unwrap_or(0);
        say("\nThese come with Nasmyth. What they say is predicted, not measured:")?;
        ready.iter().try_for_each(|c| line(c, width))
    }
}

/// The devices that come with Nasmyth, but for those that the user has another one of.
fn ready(machines: &[Entry], calibrated: &[Calibrated]) -> Result<Vec<Calibrated>> {
    let taken = |name: &str| {
        machines.iter().any(|machine| machine.name == name) || calibrated.iter().any(|c| c.name == name)
    };
    let entry = |(name, text): &(&str, &str)| {
        Ok(Calibrated { name: (*name).to_owned(), summary: summary(&DeviceFile::parse(text)?) })
    };
    READY_DEVICES.iter().filter(|(name, _)| !taken(name)).map(entry).collect()
}

/// What the models of a device are, and how good.
fn summary(file: &DeviceFile) -> String {
    let part = |cost: DeviceCost| {
        let fit = file.fit(cost)?;
        let close = 100.0 * fit.held_out.within_10;
        let covered = fit
            .covered
            .map_or(String::new(), |share| format!(", {:.0} % in their 95 % intervals", 100.0 * share));
        Some(format!("{} of {} ({close:.0} % of unseen networks within 10 %{covered})", cost.name(), fit.of))
    };
    let models: Vec<String> = DeviceCost::ALL.into_iter().filter_map(part).collect();
    format!(
        "{}, {} on {} thread(s), {}; {}",
        file.processor,
        file.runtime,
        file.threads,
        file.date,
        models.join("; ")
    )
}
