//! `nasmyth bench derive`

use super::compare::parse;
use crate::commands::{say, stop_on_signal};
use anyhow::{Context as _, Result};
use clap::Args;
use nasmyth::bench::{Benchmark, Table, TaskBenchmark};
use nasmyth::data::{Dataset, OpenOptions, open};
use nasmyth::engine::Engine;
use nasmyth::estimator::StopFlag;
use nasmyth::space::spaces::cell::{OPERATORS, cell_string};
use nasmyth::space::{Gene, Genotype, preset};
use nasmyth::weights::relaxed::{Budget, CellSpace, Decision, Epoch, Found, Method, Search, method_named};
use nasmyth::{Interrupted, context};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

/// Derive cells of NAS-Bench-201 by differentiable search on images or series, and look their scores up in a table
#[derive(Args)]
pub struct Derive {
    /// A table of NAS-Bench-201 cells: made by `nasmyth bench import`, or builtin:NAME (`nasmyth list tables`)
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// Task of the table [default: the first]
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// File or folder with the data, or `builtin:mnist1d`: half of what is not for testing teaches the weights, half the architecture
    #[arg(long, value_name = "PATH")]
    data: String,
    /// Methods (`nasmyth list methods`), with settings in brackets: darts,sgas[warmup=0.1;reach=12]
    #[arg(long, value_name = "NAMES", default_value = "darts")]
    methods: String,
    /// Searches of each method
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    seeds: u64,
    /// Epochs of a search
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    epochs: u32,
    /// Samples of an epoch [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    samples: Option<u32>,
    /// Samples of a step
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    batch: u32,
    /// Channels of the first stage
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024))]
    width: u32,
    /// Cells of each stage
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20))]
    cells: u32,
    /// Stride of the first convolution: fewer positions make faster steps [default: by the size of the data]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    stride: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A method under the name that the user gave it.
struct Named {
    name: String,
    method: Method,
}

/// One search, for people and programs.
#[derive(Serialize)]
struct Derived {
    method: String,
    seed: u64,
    /// In NAS-Bench-201's form.
    cell: String,
    /// Of the table.
    score: Option<f64>,
    /// Validation accuracies of the super-network and of the cell within it.
    accuracy: [f64; 2],
    /// Share of operators without weights.
    free: f64,
    collapsed: bool,
    warnings: Vec<String>,
    seconds: f64,
    /// Losses and probabilities over time.
    epochs: Vec<Epoch>,
    /// Which choice was decided when.
    decisions: Vec<Decision>,
}

impl Derive {
    pub fn run(self) -> Result<()> {
        let table = Table::open(&self.table)?;
        let task = table.task(self.task.as_deref())?;
        let data = open(&self.data, &OpenOptions { valid_fraction: 0.5, ..OpenOptions::default() })?;
        preset("cell", &context(&data))?; // says what data cells are for
        let mut methods = Vec::new();
        for wanted in parse("--methods", &self.methods, "methods")? {
            let method = method_named(&wanted.name, &wanted.settings)?;
            methods.push(Named { name: wanted.shown(), method });
        }
        let stop = stop_on_signal()?;
        let mut all = Vec::new();
        for named in &methods {
            for seed in 0..self.seeds {
                let derived = self.derive(named, seed, (&task, &data), &stop)?;
                if !self.json {
                    derived.tell()?;
                }
                all.push(derived);
            }
        }
        if self.json {
            return say(serde_json::to_string_pretty(&all)?);
        }
        methods.iter().try_for_each(|named| summary(named, &all))
    }

    fn derive(
        &self,
        Named { name, method }: &Named,
        seed: u64,
        (task, data): (&TaskBenchmark<'_>, &Dataset),
        stop: &StopFlag,
    ) -> Result<Derived> {
        let mut space = CellSpace::new(context(data), self.width as usize, self.cells as usize);
        if let Some(stride) = self.stride {
            space = space.with_stride(stride as usize);
        }
        let budget = Budget {
            epochs: self.epochs as usize,
            samples: self.samples.map(|n| n as usize),
            batch: self.batch as usize,
            ..Budget::default()
        };
        let (start, mut epoch) = (Instant::now(), 0);
        let mut told = |e: &Epoch| {
            epoch += 1;
            let _ = writeln!(
                std::io::stderr(),
                "{name}, seed {seed}: epoch {epoch} of {}, training loss {:.3}",
                self.epochs,
                e.train
            );
        };
        let engine = Engine::cpu(1);
        let search = Search { method, space: &space, data, engine: &engine, budget, seed };
        let found = search.run(stop, &mut told);
        if stop.stopped() {
            return Err(Interrupted("start the command again".to_owned()).into());
        }
        let found = found.with_context(|| format!("{name}, seed {seed}"))?;
        Derived::new(name, seed, found, task, start.elapsed().as_secs_f64())
    }
}

impl Derived {
    fn new(name: &str, seed: u64, found: Found, task: &TaskBenchmark<'_>, seconds: f64) -> Result<Self> {
        let genes = found.options.iter().map(|&o| Gene::Index(o as u32));
        let genotype = Genotype::new(genes);
        let cell = cell_string(&genotype).context("the search decided fewer choices than a cell has")?;
        Ok(Self {
            method: name.to_owned(),
            seed,
            score: in_table(task, &found.options).and_then(|genotype| task.score(&genotype)),
            cell,
            accuracy: [found.relaxed.accuracy, found.discrete.accuracy],
            free: found.trust.free,
            collapsed: found.trust.collapsed(),
            warnings: found.trust.warnings(),
            seconds,
            epochs: found.epochs,
            decisions: found.decisions,
        })
    }

    fn tell(&self) -> Result<()> {
        let score = self.score.map_or("not in the table".to_owned(), |s| format!("{s:.2}"));
        let [relaxed, discrete] = self.accuracy.map(|a| 100.0 * a);
        say(format_args!(
            "{}, seed {}: {} score {score}; validation {relaxed:.1} %, decided {discrete:.1} %; {:.0} s",
            self.method, self.seed, self.cell, self.seconds
        ))?;
        self.warnings.iter().try_for_each(|w| say(format_args!("  {w}")))
    }
}

/// The genotype of these options of [`nasmyth::space::spaces::cell::OPERATORS`] in the table, which may count them otherwise.
fn in_table(task: &TaskBenchmark<'_>, options: &[usize]) -> Option<Genotype> {
    let words = options.iter().map(|&o| OPERATORS.get(o).map(|&word| word.to_owned()));
    let paths = task.space().genes().map(|gene| gene.path).collect::<Vec<_>>();
    task.space().with_values(paths.into_iter().zip(words.collect::<Option<Vec<_>>>()?)).ok()
}

/// Median of the scores, and how many searches collapsed.
fn summary(named: &Named, all: &[Derived]) -> Result<()> {
    let own: Vec<&Derived> = all.iter().filter(|d| d.method == named.name).collect();
    let mut scores: Vec<f64> = own.iter().filter_map(|d| d.score).collect();
    scores.sort_by(f64::total_cmp);
    let (low, high) = ((scores.len().saturating_sub(1)) / 2, scores.len() / 2);
    let median = match (scores.get(low), scores.get(high)) {
        (Some(low), Some(high)) => format!("{:.2}", (low + high) / 2.0),
        _ => "none".to_owned(),
    };
    let collapsed = own.iter().filter(|d| d.collapsed).count();
    say(format_args!("{}: median score {median}, {collapsed} of {} collapsed", named.name, own.len()))
}
