//! `nasmyth device list`

use crate::commands::say;
use anyhow::Result;
use clap::Args;
use nasmyth::measure::{Local, cpu_name};
use nasmyth::{Host, Hosts, explanation};
use serde::Serialize;

/// List the machines that networks can be measured on
#[derive(Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
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
        if self.json {
            return say(serde_json::to_string_pretty(&entries)?);
        }
        let widths = entries.iter().map(|entry| entry.name.len()).chain([Local::NAME.len()]);
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
        })
    }
}
