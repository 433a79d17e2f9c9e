//! `nasmyth search`

use super::{observer, stop_on_signal};
use anyhow::{Context, Result};
use clap::Args;
use nasmyth::engine::Backend;
use nasmyth::{Request, RunFolder, Search};
use std::path::{Path, PathBuf};

/// Search the best network for your data within hard limits; train, export, check and explain it
#[derive(Args)]
pub struct Arguments {
    /// File or folder with the data, or `builtin:mnist1d` (formats: `nasmyth list formats`)
    #[arg(long, value_name = "PATH")]
    data: Option<String>,
    /// Column to predict, for tables [default: the last]
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// What to predict [default: detected]
    #[arg(long, value_name = "TASK", value_parser = ["classification", "regression"])]
    task: Option<String>,
    /// Search space: auto, a preset (`nasmyth list spaces`), or a TOML file [default: auto]
    #[arg(long, value_name = "SPACE")]
    space: Option<String>,
    /// Networks of the space that share their first layers and average their outputs, as one network: 1 to 8 [default: 1]
    #[arg(long, value_name = "MEMBERS", allow_negative_numbers = true)]
    ensemble: Option<usize>,
    /// What to try next (`nasmyth list strategies`) [default: auto, which is regularized-evolution]
    #[arg(long, value_name = "STRATEGY")]
    strategy: Option<String>,
    /// Who gets how much training (`nasmyth list schedulers`) [default: asha; none with a super-network]
    #[arg(long, value_name = "SCHEDULER")]
    scheduler: Option<String>,
    /// Hard limits, such as "params<=100k,macs<=5M,peak-memory<=256KiB,weights<=400KiB"
    #[arg(long, value_name = "LIMITS")]
    limit: Option<String>,
    /// What is to be good: accuracy alone, or the front of several such as "accuracy,params,macs" [default: accuracy]
    #[arg(long, value_name = "OBJECTIVES")]
    objective: Option<String>,
    /// Time for everything, such as 90s, 10m or 1h30m [default: 10m]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Trials, instead of or beside a time
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    trials: Option<u64>,
    /// Seed of all randomness [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Where to train: auto, cpu, or a GPU that this build has (`nasmyth list engines`) [default: auto]
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Backend>,
    /// Trials at the same time; no influence on the result [default: cores; 1 on a GPU]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    workers: Option<usize>,
    /// Folder for the run [default: runs/NAME]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Configuration file with any of these and more, such as the config.toml of a run
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A program that estimates networks in place of training, such as "python train.py"
    #[arg(long, value_name = "COMMAND")]
    estimator: Option<String>,
    /// Longest time of one trial of that program
    #[arg(long, value_name = "TIME", requires = "estimator")]
    estimator_timeout: Option<String>,
    /// Folder in which runs share what they have estimated: the same network, data, effort and seed is not trained twice
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let request = self.request()?;
        let stop = stop_on_signal()?;
        let out = match self.out {
            Some(out) => out,
            None => RunFolder::unused(&name_of(&request.data()?.path)),
        };
        let mut observer = observer(self.json);
        Search::create(&out, &request)?.run(&mut *observer, &stop)?;
        Ok(())
    }

    fn request(&self) -> Result<Request> {
        let request = match &self.config {
            None => Request::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                Request::parse(&text).with_context(|| format!("{}", path.display()))?
            }
        };
        let budget = self.time.is_some() || self.trials.is_some();
        let request = if budget { request.without("budget") } else { request };
        let request = if self.data.is_some() { request.without("data.fingerprint") } else { request };
        let number = |n: u64| i64::try_from(n).context("the number is too large");
        Ok(request
            .set("data.path", self.data.clone())
            .set("data.target", self.target.clone())
            .set("data.task", self.task.clone())
            .set("space", self.space.clone())
            .set("ensemble", self.ensemble.map(|members| number(members as u64)).transpose()?)
            .set("strategy.name", self.strategy.clone())
            .set("scheduler.name", self.scheduler.clone())
            .set("limits", self.limit.clone())
            .set("objectives", self.objective.clone())
            .set("budget.time", self.time.clone())
            .set("budget.trials", self.trials.map(number).transpose()?)
            .set("seed", self.seed.map(number).transpose()?)
            .set("engine", self.engine.map(|engine| engine.name()))
            .set("workers", self.workers.map(|w| number(w as u64)).transpose()?)
            .set("cache", self.cache.as_ref().map(|folder| folder.display().to_string()))
            .set("estimator.command", self.estimator.clone())
            .set("estimator.timeout", self.estimator_timeout.clone()))
    }
}

/// The last part of a path without its ending, or the name of a built-in.
pub(super) fn name_of(data: &str) -> String {
    let name = data.strip_prefix("builtin:").unwrap_or(data);
    let stem = Path::new(name).file_stem().map(|s| s.to_string_lossy().into_owned());
    stem.filter(|s| !s.is_empty()).unwrap_or_else(|| "run".to_owned())
}
