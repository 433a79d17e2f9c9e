//! `nasmyth bench`

use super::{cores, say, stop_on_signal};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use nasmyth::bench::{
    Benchmark, Contender, Contest, Identity, ImportOptions, Planted, Table, compare, import,
};
use nasmyth::strategy::{Strategy, StrategyError, strategy_named};
use nasmyth::{Cells1d, comparison_text, write_comparison};
use std::io::Write;
use std::path::PathBuf;

/// Judge strategies on tables of measured networks
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Import(Import),
    Show(Show),
    Compare(Compare),
    Make(Make),
}

/// Make a table of files with measured networks (CSV or NAS-Bench-Macro's JSON, gzip or not); several files are joined by genotype
#[derive(Args)]
struct Import {
    /// Files to read
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Table to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Name of the table [default: that of the file]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Column of the genotype [default: genotype or arch]
    #[arg(long, value_name = "COLUMN")]
    genotype: Option<String>,
    /// Every column whose name begins so is a gene
    #[arg(long, value_name = "PREFIX", conflicts_with = "genotype")]
    genes: Option<String>,
    /// Name of the task that --valid, --test and --seconds make
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// Column of the validation value, or several: the runs
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    valid: Vec<String>,
    /// Column of the test value
    #[arg(long, value_name = "COLUMN", requires = "valid")]
    test: Option<String>,
    /// Column of the seconds of a training
    #[arg(long, value_name = "COLUMN", requires = "valid")]
    seconds: Option<String>,
}

/// Show what a table holds
#[derive(Args)]
struct Show {
    /// The table
    table: PathBuf,
}

/// Compare strategies on a task of a table; random search always takes part
#[derive(Args)]
struct Compare {
    /// The table, made by `nasmyth bench import`
    #[arg(long, value_name = "FILE", required_unless_present = "planted")]
    table: Option<PathBuf>,
    /// In place of a table, a synthetic space with a planted optimum: GENESxOPTIONS or GENESxOPTIONS:NOISE
    #[arg(long, value_name = "SIZE", conflicts_with_all = ["table", "task"])]
    planted: Option<String>,
    /// Task [default: the first]
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// Strategies (`nasmyth list strategies`), with settings in brackets: random,regularized-evolution[population=30;sample=8]
    #[arg(long, value_name = "NAMES", default_value = "regularized-evolution")]
    strategies: String,
    /// Runs of each strategy
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    seeds: u64,
    /// Evaluations of each run
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    trials: u32,
    /// Trials at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    parallel: u32,
    /// Test strategies against each other after so many evaluations, too
    #[arg(long, value_name = "N", value_delimiter = ',')]
    at: Vec<usize>,
    /// Tell the evaluations until these regrets are reached
    #[arg(long, value_name = "REGRET", value_delimiter = ',')]
    regret: Vec<f64>,
    /// Let strategies propose networks that compute the same as an earlier one, and answer them from the cache
    #[arg(long)]
    duplicates: bool,
    /// Folder for comparison.json, curves.csv, curves.svg and comparison.html
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Make a built-in table again, by training all its networks
#[derive(Args)]
struct Make {
    /// The table
    #[arg(value_parser = ["cells1d"])]
    table: String,
    /// File to write, compressed if its name ends with .gz; finished trainings are kept beside it, in FILE.trainings
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Trainings of each network
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    seeds: u32,
    /// Epochs of each training
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    epochs: u32,
    /// Only so many of the networks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cells: Option<u32>,
    /// Threads; no influence on the result [default: cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Import(a) => a.run(),
            What::Show(a) => a.run(),
            What::Compare(a) => a.run(),
            What::Make(a) => a.run(),
        }
    }
}

impl Import {
    fn run(self) -> Result<()> {
        let Self { name, genotype, genes, task, valid, test, seconds, .. } = self;
        let options = ImportOptions { name, genotype, genes, task, valid, test, seconds };
        let merged = import(&self.files, &self.out, &options)?;
        if merged > 0 {
            say(format_args!("{merged} rows were merged with others of their genotype (means)"))?;
        }
        Show { table: self.out }.run()
    }
}

impl Make {
    fn run(self) -> Result<()> {
        let make = Cells1d {
            seeds: self.seeds,
            epochs: self.epochs,
            cells: self.cells.map_or(usize::MAX, |n| n as usize),
            workers: self.workers.map_or(cores(), |n| n as usize),
        };
        let told = |done: usize, total: usize| {
            if done.is_multiple_of(100) || done == total {
                let _ = writeln!(std::io::stderr(), "{done} of {total} trainings");
            }
        };
        make.make(&self.out, &stop_on_signal()?, &told)?;
        Show { table: self.out }.run()
    }
}

impl Show {
    fn run(self) -> Result<()> {
        let table = Table::open(&self.table)?;
        say(format_args!("{}: {} networks in {}", table.name(), table.rows(), self.table.display()))?;
        for gene in table.space()?.genes() {
            say(format_args!("  gene {}: {}", gene.path, gene.domain))?;
        }
        for task in table.tasks() {
            let signals: Vec<String> =
                task.valid.iter().map(|s| format!("{} epochs: {}", s.epochs, s.runs.join(", "))).collect();
            let test = task.test.as_deref().unwrap_or("none");
            say(format_args!("  task {}: signals {}; score {test}", task.name, signals.join("; ")))?;
        }
        say(format_args!("  columns {}", table.columns().join(", ")))
    }
}

impl Compare {
    fn run(self) -> Result<()> {
        let table = self.table.as_deref().map(Table::open).transpose()?;
        let task = table.as_ref().map(|table| table.task(self.task.as_deref())).transpose()?;
        let planted = self.planted.as_deref().map(str::parse::<Planted>).transpose()?;
        let benchmark: &dyn Benchmark = match (&task, &planted) {
            (Some(task), _) => task,
            (None, Some(planted)) => planted,
            (None, None) => bail!("give a table or a planted space"),
        };
        let mut wanted = parse(&self.strategies)?;
        if wanted.iter().all(|w| w.0 != "random") {
            wanted.push(("random".to_owned(), toml::Table::new()));
        }
        type Build = Box<dyn Fn() -> Result<Box<dyn Strategy>, StrategyError> + Sync>;
        let mut builds: Vec<(String, Build)> = Vec::new();
        for (name, settings) in wanted {
            let kind = strategy_named(&name)?;
            kind.make(&settings)?;
            let shown = match settings.is_empty() {
                true => name,
                false => {
                    format!("{name}[{}]", settings.to_string().trim().replace(" = ", "=").replace('\n', ";"))
                }
            };
            builds.push((shown, Box::new(move || kind.make(&settings))));
        }
        let contenders: Vec<Contender> =
            builds.iter().map(|(name, build)| Contender { name: name.clone(), build: &**build }).collect();
        let contest = Contest {
            seeds: self.seeds,
            trials: self.trials as usize,
            parallel: self.parallel as usize,
            at: self.at,
            regrets: self.regret,
            threads: cores(),
        };
        let identity = if self.duplicates { Identity::Genotype } else { Identity::Class };
        let comparison = compare(benchmark, &contenders, &contest, identity)?;
        if let Some(folder) = &self.out {
            write_comparison(folder, &comparison)?;
        }
        match self.json {
            true => say(serde_json::to_string_pretty(&comparison)?),
            false => say(comparison_text(&comparison).trim_end()),
        }
    }
}

/// `a,b[key=value;key=value]`
fn parse(text: &str) -> Result<Vec<(String, toml::Table)>> {
    let mut wanted: Vec<(String, toml::Table)> = Vec::new();
    for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        let (name, settings) = match word.split_once('[') {
            None => (word, ""),
            Some((name, rest)) => match rest.strip_suffix(']') {
                Some(settings) => (name, settings),
                None => bail!(
                    "`{word}`: expected settings in brackets, such as regularized-evolution[population=30;sample=8]"
                ),
            },
        };
        let table = settings.replace(';', "\n").parse::<toml::Table>();
        let table = table.map_err(|e| anyhow::anyhow!("settings of `{name}`: {}", e.message()))?;
        if wanted.iter().any(|w| w.0 == name && w.1 == table) {
            bail!("strategy `{word}` is named twice");
        }
        wanted.push((name.to_owned(), table));
    }
    if wanted.is_empty() {
        bail!("--strategies names none: see `nasmyth list strategies`");
    }
    Ok(wanted)
}
