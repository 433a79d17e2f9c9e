//! `nasmyth bench compare`

use crate::commands::{cores, say};
use anyhow::{Result, bail};
use clap::Args;
use nasmyth::bench::{Benchmark, Contender, Contest, Function, Identity, Planted, Table, compare};
use nasmyth::strategy::{Scheduler, Strategy, StrategyError, scheduler_named, strategy_named};
use nasmyth::{comparison_text, write_comparison};
use std::path::PathBuf;

/// Compare strategies on a task of a table; random search at full effort always takes part
#[derive(Args)]
pub struct Compare {
    /// The table: made by `nasmyth bench import`, or builtin:NAME (`nasmyth list tables`)
    #[arg(long, value_name = "FILE", required_unless_present_any = ["planted", "function"])]
    table: Option<PathBuf>,
    /// In place of a table, a synthetic space with a planted optimum: GENESxOPTIONS or GENESxOPTIONS:NOISE
    #[arg(long, value_name = "SIZE", conflicts_with_all = ["table", "task"])]
    planted: Option<String>,
    /// In place of a table, a function of categories and numbers, or one with a seed (NAME:SEED): func2c, func3c, ackley53, ellipsoid-mixed, rastrigin-mixed, rastrigin-categories
    #[arg(long, value_name = "NAME", conflicts_with_all = ["table", "task", "planted"])]
    function: Option<String>,
    /// Task [default: the first]
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// Further objectives: columns of the table that are to be small. Regret is then that of the hypervolume
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "table")]
    objective: Vec<String>,
    /// Strategies (`nasmyth list strategies`), with settings in brackets: random,regularized-evolution[population=30;sample=8]
    #[arg(long, value_name = "NAMES", default_value = "regularized-evolution")]
    strategies: String,
    /// Schedulers (`nasmyth list schedulers`), with settings in brackets; each strategy runs under each
    #[arg(long, value_name = "NAMES", default_value = "none")]
    scheduler: String,
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
    /// Test only this strategy against each of the others, which corrects over fewer pairs; otherwise all pairs
    #[arg(long, value_name = "STRATEGY")]
    against: Option<String>,
    /// Tell the evaluations until these regrets are reached
    #[arg(long, value_name = "REGRET", value_delimiter = ',')]
    regret: Vec<f64>,
    /// Let strategies propose networks that compute the same as an earlier one, and answer them from the cache: `equal` those of another
    /// genotype, `all` repeated genotypes, too
    #[arg(long, value_name = "WHICH", value_enum, num_args = 0..=1, default_missing_value = "equal")]
    duplicates: Option<Duplicates>,
    /// Folder for comparison.json, curves.csv, curves.svg, time.csv, time.svg and comparison.html
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the cache is to answer.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Duplicates {
    Equal,
    All,
}

impl Compare {
    pub fn run(self) -> Result<()> {
        let table = self.table.as_deref().map(Table::open).transpose()?;
        let task = table.as_ref().map(|table| table.task(self.task.as_deref())).transpose()?;
        let task = match task {
            Some(task) if !self.objective.is_empty() => Some(task.with_objectives(&self.objective)?),
            task => task,
        };
        let planted = self.planted.as_deref().map(str::parse::<Planted>).transpose()?;
        let function = self.function.as_deref().map(str::parse::<Function>).transpose()?;
        let benchmark: &dyn Benchmark = match (&task, &planted, &function) {
            (Some(task), ..) => task,
            (None, Some(planted), _) => planted,
            (None, None, Some(function)) => function,
            (None, None, None) => bail!("give a table, a planted space or a function"),
        };
        let strategies = parse("--strategies", &self.strategies, "strategies")?;
        for Wanted { name, .. } in strategies.iter().filter(|_| !self.objective.is_empty()) {
            if !strategy_named(name)?.several {
                bail!("strategy `{name}` has one objective only: leave out --objective, or the strategy");
            }
        }
        let schedulers = parse("--scheduler", &self.scheduler, "schedulers")?;
        let mut pairs: Vec<(&Wanted, Wanted)> =
            schedulers.iter().flat_map(|s| strategies.iter().map(move |w| (w, s.clone()))).collect();
        let random = Wanted { name: "random".to_owned(), settings: toml::Table::new() };
        if !pairs.iter().any(|(strategy, scheduler)| **strategy == random && scheduler.is_full()) {
            pairs.push((&random, Wanted { name: FULL.to_owned(), settings: toml::Table::new() }));
        }
        let parts = pairs.iter().map(|(strategy, scheduler)| Part::new(strategy, scheduler));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let contenders: Vec<Contender> = parts.iter().map(Part::contender).collect();
        let contest = Contest {
            seeds: self.seeds,
            trials: self.trials as usize,
            parallel: self.parallel as usize,
            at: self.at,
            against: self.against,
            regrets: self.regret,
            threads: cores(),
        };
        let identity = match self.duplicates {
            None => Identity::Class,
            Some(Duplicates::Equal) => Identity::Genotype,
            Some(Duplicates::All) => Identity::None,
        };
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

/// Settings in brackets.
const EXAMPLE: &str = "regularized-evolution[population=30;sample=8]";
/// The scheduler under which every trial gets the full effort.
const FULL: &str = "none";

/// A name with settings.
#[derive(Clone, PartialEq)]
pub(super) struct Wanted {
    pub name: String,
    pub settings: toml::Table,
}

impl Wanted {
    fn is_full(&self) -> bool {
        self.name == FULL && self.settings.is_empty()
    }

    /// As it was written.
    pub fn shown(&self) -> String {
        let settings = self.settings.to_string().trim().replace(" = ", "=").replace('\n', ";");
        if settings.is_empty() { self.name.clone() } else { format!("{}[{settings}]", self.name) }
    }
}

type Build = Box<dyn Fn() -> Result<Box<dyn Strategy>, StrategyError> + Sync>;
type Schedule = Box<dyn Fn(f64) -> Result<Box<dyn Scheduler>, StrategyError> + Sync>;

/// A strategy under a scheduler.
struct Part {
    name: String,
    build: Build,
    schedule: Schedule,
}

impl Part {
    fn new(strategy: &Wanted, scheduler: &Wanted) -> Result<Self> {
        let name = match scheduler.is_full() {
            true => strategy.shown(),
            false => format!("{} under {}", strategy.shown(), scheduler.shown()),
        };
        let (kind, settings) = (strategy_named(&strategy.name)?, strategy.settings.clone());
        kind.make(&settings)?;
        let build = Box::new(move || kind.make(&settings));
        let (kind, settings) = (scheduler_named(&scheduler.name)?, scheduler.settings.clone());
        kind.make(&settings, 1.0)?;
        let schedule = Box::new(move |epochs| kind.make(&settings, epochs));
        Ok(Self { name, build, schedule })
    }

    fn contender(&self) -> Contender<'_> {
        Contender { name: self.name.clone(), build: &*self.build, schedule: &*self.schedule }
    }
}

/// `a,b[key=value;key=value]`
pub(super) fn parse(option: &str, text: &str, list: &str) -> Result<Vec<Wanted>> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for word in between_commas(text).map(str::trim).filter(|w| !w.is_empty()) {
        let (name, settings) = match word.split_once('[') {
            None => (word, ""),
            Some((name, rest)) => match rest.strip_suffix(']') {
                Some(settings) => (name, settings),
                None => bail!("`{word}`: expected settings in brackets, such as {EXAMPLE}"),
            },
        };
        let settings: Vec<String> = settings.split(';').map(quoted).collect();
        let settings = settings.join("\n").parse::<toml::Table>();
        let settings = settings.map_err(|e| anyhow::anyhow!("settings of `{name}`: {}", e.message()))?;
        let one = Wanted { name: name.to_owned(), settings };
        if wanted.contains(&one) {
            bail!("{option}: `{word}` is named twice");
        }
        wanted.push(one);
    }
    if wanted.is_empty() {
        bail!("{option} names none: see `nasmyth list {list}`");
    }
    Ok(wanted)
}

/// `key=value` as TOML has it: words need no quotes on the command line, where the shell would take them.
fn quoted(setting: &str) -> String {
    let word = |v: &str| {
        v.starts_with(char::is_alphabetic) && v.chars().all(|c| c.is_alphanumeric() || "-_".contains(c))
    };
    match setting.split_once('=') {
        Some((key, value)) if word(value.trim()) && value.trim().parse::<bool>().is_err() => {
            format!("{key} = \"{}\"", value.trim())
        }
        _ => setting.to_owned(),
    }
}

/// The parts of a list; commas within brackets divide nothing.
fn between_commas(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    text.split(move |c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}
