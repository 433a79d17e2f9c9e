//! `nasmyth device verify`

use crate::commands::say;
use anyhow::Result;
use clap::Args;
use nasmyth::{Infeasible, Verdict, format_duration, parse_duration, verify};
use std::path::PathBuf;
use std::time::Duration;

/// Measure the found network of a run again, and check its certificate; exit code 3 if a limit is broken
#[derive(Args)]
pub struct Verify {
    /// Folder of a finished run
    run: PathBuf,
    /// Time of each measurement
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_duration)]
    time: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub fn run(self) -> Result<()> {
        let verdicts = verify(&self.run, self.time)?;
        if self.json {
            say(serde_json::to_string_pretty(&verdicts)?)?;
        } else if verdicts.is_empty() {
            say(format_args!("{} has no limits", self.run.display()))?;
        } else {
            verdicts.iter().try_for_each(|verdict| say(line(verdict, self.time)))?;
        }
        match verdicts.iter().find(|verdict| !verdict.holds) {
            Some(broken) => {
                Err(Infeasible(format!("{} does not hold: {}", broken.limit, broken.value_text())).into())
            }
            None => Ok(()),
        }
    }
}

fn line(verdict: &Verdict, time: Duration) -> String {
    let word = if verdict.holds { "holds" } else { "is BROKEN" };
    let noise = verdict.on_device.as_ref().and_then(|d| d.measured.as_ref()?.noisy.clone());
    let noise =
        noise.map_or(String::new(), |n| format!("; {n}: measure longer than {}", format_duration(time)));
    format!("{} {word}: {} ({}){noise}", verdict.limit, verdict.value_text(), verdict.how)
}
