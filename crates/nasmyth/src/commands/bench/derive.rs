//! `nasmyth bench derive`

use super::compare::parse;
use super::controls::{ALONE, Controls, SHARED, with_shared_weights, without_sharing};
use crate::commands::{say, stop_on_signal};
use anyhow::{Context as _, Result};
use clap::Args;
use nasmyth::bench::{Benchmark, Table, TaskBenchmark};
use nasmyth::data::{Dataset, OpenOptions, open};
use nasmyth::engine::Engine;
use nasmyth::estimator::StopFlag;
use nasmyth::space::spaces::cell::{OPERATORS, Skeleton, cell_string, in_skeleton, stem_stride};
use nasmyth::space::{Gene, Genotype, preset};
use nasmyth::weights::relaxed::{
    Budget, Decision, Epoch, Found, MergedSpace, Method, Running, Search, method_named,
};
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
    /// First seed
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    first_seed: u64,
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
    /// Also random search: with the weights of each search, and without sharing in the same time, which takes as long again
    #[arg(long)]
    controls: bool,
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
    /// Of random search.
    #[serde(skip_serializing_if = "Option::is_none")]
    controls: Option<Controls>,
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
            for seed in self.first_seed..self.first_seed + self.seeds {
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
        let context = context(data);
        let stride = self.stride.map_or_else(|| stem_stride(&context), |stride| stride as usize);
        let skeleton = Skeleton { width: self.width as usize, cells: self.cells as usize, stride };
        let cells = in_skeleton(&context, skeleton)?;
        let space = MergedSpace::new(&cells)?;
        let budget = Budget {
            epochs: self.epochs as usize,
            samples: self.samples.map(|n| n as usize),
            batch: self.batch as usize,
            ..Budget::default()
        };
        let start = Instant::now();
        let engine = Engine::cpu(1);
        let search = Search { method, space: &space, data, engine: &engine, budget, seed };
        let mut running = search.begin()?;
        let ended = || format!("{name}, seed {seed}");
        while self.go_on(&mut running, name, seed, stop).with_context(ended)? {}
        let time = start.elapsed();
        let score = |options: &[usize]| in_table(task, options).and_then(|genotype| task.score(&genotype));
        let controls = match self.controls {
            false => None,
            true => {
                let shared = with_shared_weights(&mut running, seed)?;
                let alone = without_sharing(&cells, data, time, seed, stop);
                interrupted(stop)?;
                let options = |genotype: Genotype| {
                    let option =
                        |gene: &Gene| if let Gene::Index(option) = gene { *option as usize } else { 0 };
                    genotype.genes().iter().map(option).collect::<Vec<_>>()
                };
                Some(Controls {
                    shared: score(&shared),
                    alone: alone?.and_then(|alone| score(&options(alone))),
                })
            }
        };
        let found = running.found().with_context(ended)?;
        let score = score(&found.options);
        Derived::new(name, seed, found, time.as_secs_f64(), (score, controls))
    }

    /// The next part of a search; whether there is more.
    fn go_on(&self, running: &mut Running<'_>, name: &str, seed: u64, stop: &StopFlag) -> Result<bool> {
        let before = running.epochs().len();
        let more = running.go_on(stop);
        interrupted(stop)?;
        if let Some(last) = running.epochs().get(before) {
            let _ = writeln!(
                std::io::stderr(),
                "{name}, seed {seed}: epoch {} of {}, training loss {:.3}",
                before + 1,
                self.epochs,
                last.train
            );
        }
        Ok(more?)
    }
}

impl Derived {
    fn new(
        name: &str,
        seed: u64,
        found: Found,
        seconds: f64,
        (score, controls): (Option<f64>, Option<Controls>),
    ) -> Result<Self> {
        let genes = found.options.iter().map(|&o| Gene::Index(o as u32));
        let genotype = Genotype::new(genes);
        let cell = cell_string(&genotype).context("the search decided fewer choices than a cell has")?;
        Ok(Self {
            method: name.to_owned(),
            seed,
            score,
            controls,
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
        let score = shown(self.score);
        let [relaxed, discrete] = self.accuracy.map(|a| 100.0 * a);
        say(format_args!(
            "{}, seed {}: {} score {score}; validation {relaxed:.1} %, decided {discrete:.1} %; {:.0} s",
            self.method, self.seed, self.cell, self.seconds
        ))?;
        if let Some(Controls { shared, alone }) = &self.controls {
            let [shared, alone] = [shared, alone].map(|score| shown(*score));
            say(format_args!(
                "  random cells: {shared} for the best of {SHARED} with these weights, {alone} for the best of {ALONE} trained on their own \
                 in the same time"
            ))?;
        }
        self.warnings.iter().try_for_each(|w| say(format_args!("  {w}")))
    }
}

fn interrupted(stop: &StopFlag) -> Result<()> {
    match stop.stopped() {
        true => Err(Interrupted("start the command again".to_owned()).into()),
        false => Ok(()),
    }
}

fn shown(score: Option<f64>) -> String {
    score.map_or("not in the table".to_owned(), |score| format!("{score:.2}"))
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
    let controls = |of: fn(&Controls) -> Option<f64>| {
        let scores = own.iter().filter_map(|d| of(d.controls.as_ref()?));
        median(scores.collect()).map(|median| format!("{median:.2}"))
    };
    let random = match (controls(|c| c.shared), controls(|c| c.alone)) {
        (Some(shared), Some(alone)) => {
            format!("; random cells {shared} with the same weights, {alone} without sharing")
        }
        _ => String::new(),
    };
    let median = median(own.iter().filter_map(|d| d.score).collect());
    let median = median.map_or("none".to_owned(), |median| format!("{median:.2}"));
    let collapsed = own.iter().filter(|d| d.collapsed).count();
    say(format_args!("{}: median score {median}, {collapsed} of {} collapsed{random}", named.name, own.len()))
}

fn median(mut scores: Vec<f64>) -> Option<f64> {
    scores.sort_by(f64::total_cmp);
    let (low, high) = (scores.len().checked_sub(1)? / 2, scores.len() / 2);
    Some((scores[low] + scores[high]) / 2.0)
}
