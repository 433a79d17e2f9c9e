//! `nasmyth bench`

mod compare;
mod controls;
mod derive;
mod limits;
mod make;
mod rank;

use super::say;
use anyhow::Result;
use clap::{Args, Subcommand};
use nasmyth::bench::{ImportOptions, Table, import};
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
    Compare(compare::Compare),
    Derive(derive::Derive),
    Limits(limits::Limits),
    Make(make::Make),
    Rank(rank::Rank),
}

/// Make a table of files with measured networks (CSV or NAS-Bench-Macro's JSON, gzip or not); several files are joined by genotype
#[derive(Args)]
struct Import {
    /// Files to read
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Table to write, compressed if its name ends with .gz
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
    /// The table: a file, or builtin:NAME (`nasmyth list tables`)
    table: PathBuf,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Import(a) => a.run(),
            What::Show(a) => a.run(),
            What::Compare(a) => a.run(),
            What::Derive(a) => a.run(),
            What::Limits(a) => a.run(),
            What::Make(a) => a.run(),
            What::Rank(a) => a.run(),
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
