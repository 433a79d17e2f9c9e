//! Which encoding of a cell serves a search best, in each of its three uses (White, Neiswanger, Nolen and Savani 2020, section 3.1), on a table of
//! NAS-Bench-201's kind: `cargo run --release -p nasmyth-bench --example encodings -- TABLE TASK [CELLS] [SEEDS]`.
//!
//! - **sampling**: regret of the best signal among so many cells drawn in the encoding's terms;
//! - **perturbation**: the same of regularized evolution whose mutations change one feature of the encoding, and whose first population is
//!   the same for all;
//! - **predictor**: Kendall's tau of a Gaussian process on so many cells, over others.

use nasmyth_bench::{Benchmark, Table, TaskBenchmark, statistics};
use nasmyth_space::{Gene, Genotype, Rng};
use nasmyth_surrogate::encodings::{AdjacencyOneHot, CellKind, ENCODINGS, Encoding};
use nasmyth_surrogate::{GaussianProcess, Matrix, half_rank};
use rand::{RngExt, SeedableRng};
use std::collections::VecDeque;
use std::error::Error;

/// The operator that is no edge, by alphabet: after `avg_pool_3x3`.
const NONE: usize = 1;
/// Cells that are ranked.
const RANKED: usize = 500;
/// Squared lengths, in units of the mean squared distance, and noises that are tried.
const LENGTHS: [f64; 4] = [0.25, 0.5, 1.0, 2.0];
const NOISES: [f64; 3] = [0.01, 0.1, 0.5];
/// Population and tournament of the evolution.
const POPULATION: usize = 30;
const TOURNAMENT: usize = 8;

/// What is asked of an encoding: a use on a table with a number of cells.
struct Study<'t> {
    table: &'t Table,
    task: TaskBenchmark<'t>,
    kind: CellKind,
    cells: usize,
}

impl Study<'_> {
    fn genotype(&self, cell: &[usize]) -> Genotype {
        Genotype::new(cell.iter().map(|operator| Gene::Index(*operator as u32)))
    }

    fn signal(&self, genotype: &Genotype, seed: u64) -> Result<f64, &'static str> {
        let full = self.task.efforts().len() - 1;
        self.task.signal(genotype, full, seed).ok_or("a cell without a signal")
    }

    /// Regret of the cell with the best signal.
    fn regret(&self, cells: &[Vec<usize>], seed: u64) -> Result<f64, Box<dyn Error>> {
        let mut best: Option<(f64, Genotype)> = None;
        for genotype in cells.iter().map(|cell| self.genotype(cell)) {
            let signal = self.signal(&genotype, seed)?;
            if best.as_ref().is_none_or(|best| signal > best.0) {
                best = Some((signal, genotype));
            }
        }
        let score = best.and_then(|(_, genotype)| self.task.score(&genotype));
        Ok(self.task.best() - score.ok_or("a cell without a score")?)
    }

    fn sampling(&self, encoding: &dyn Encoding, seed: u64) -> Result<Option<f64>, Box<dyn Error>> {
        let mut rng = Rng::seed_from_u64(seed);
        let cells: Option<Vec<Vec<usize>>> =
            (0..self.cells).map(|_| encoding.sample(&self.kind, &mut rng)).collect();
        cells.map(|cells| self.regret(&cells, seed)).transpose()
    }

    fn perturbation(&self, encoding: &dyn Encoding, seed: u64) -> Result<Option<f64>, Box<dyn Error>> {
        let mut rng = Rng::seed_from_u64(seed);
        let mut all: Vec<Vec<usize>> = Vec::new();
        let mut population: VecDeque<(f64, Vec<usize>)> = VecDeque::new();
        while all.len() < self.cells {
            let child = if all.len() < POPULATION {
                AdjacencyOneHot.sample(&self.kind, &mut rng)
            } else {
                let rivals = (0..TOURNAMENT).map(|_| &population[rng.random_range(0..population.len())]);
                let parent = rivals.max_by(|a, b| a.0.total_cmp(&b.0)).ok_or("no rivals")?.1.clone();
                encoding.perturb(&self.kind, &parent, &mut rng)
            };
            let Some(child) = child else { return Ok(None) };
            population.push_back((self.signal(&self.genotype(&child), seed)?, child.clone()));
            if population.len() > POPULATION {
                population.pop_front();
            }
            all.push(child);
        }
        self.regret(&all, seed).map(Some)
    }

    fn predictor(&self, encoding: &dyn Encoding, seed: u64) -> Result<f64, Box<dyn Error>> {
        let mut rows: Vec<usize> = (0..self.table.rows()).collect();
        rows.sort_by_key(|row| statistics::mixed(seed, *row as u64));
        let genotypes: Vec<Genotype> =
            rows.iter().take(self.cells + RANKED).map(|row| self.table.genotype(*row)).collect();
        let codes: Vec<Vec<f64>> =
            genotypes.iter().map(|g| encoding.encode(&self.kind, &operators(g))).collect();
        let (known, ranked) = genotypes.split_at(self.cells);
        let signals: Vec<f64> = known.iter().map(|g| self.signal(g, seed)).collect::<Result<_, _>>()?;
        let score = |g| self.task.score(g).ok_or("a cell without a score");
        let scores: Vec<f64> = ranked.iter().map(score).collect::<Result<_, _>>()?;
        let (known, ranked) = codes.split_at(self.cells);
        let (process, length) = fit(known, &half_rank(&signals)).ok_or("no process fits")?;
        let near = |code: &Vec<f64>| -> Vec<f64> {
            known.iter().map(|k| (-squared(k, code) / (2.0 * length)).exp()).collect()
        };
        let means: Vec<f64> = ranked.iter().map(|code| process.mean(&near(code))).collect();
        Ok(tau(&means, &scores))
    }
}

fn operators(genotype: &Genotype) -> Vec<usize> {
    let option = |gene: &Gene| if let Gene::Index(i) = gene { *i as usize } else { 0 };
    genotype.genes().iter().map(option).collect()
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// The most likely process, and the squared length of its kernel.
fn fit(codes: &[Vec<f64>], targets: &[f64]) -> Option<(GaussianProcess, f64)> {
    let pairs = codes.iter().flat_map(|a| codes.iter().map(|b| squared(a, b)));
    let mean = pairs.sum::<f64>() / (codes.len() * codes.len()) as f64;
    let grid = LENGTHS.iter().flat_map(|length| NOISES.iter().map(move |noise| (length * mean, *noise)));
    let process = |(length, noise): (f64, f64)| {
        let kernel =
            Matrix::symmetric(codes.len(), |i, j| (-squared(&codes[i], &codes[j]) / (2.0 * length)).exp());
        Some((GaussianProcess::fit(&kernel, targets, noise)?, length))
    };
    grid.filter_map(process).max_by(|a, b| a.0.log_likelihood().total_cmp(&b.0.log_likelihood()))
}

/// Kendall's tau-a.
fn tau(a: &[f64], b: &[f64]) -> f64 {
    let pairs = (0..a.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let agree = |(i, j): (usize, usize)| ((a[i] - a[j]) * (b[i] - b[j])).signum();
    pairs.map(agree).sum::<f64>() / (a.len() * (a.len() - 1) / 2) as f64
}

/// Mean and 95 % interval, or that there is none.
fn shown(values: &[f64]) -> String {
    if values.is_empty() {
        return "-".to_owned();
    }
    format!("{:.3} +- {:.3}", statistics::mean(values), 1.96 * statistics::standard_error(values))
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [table, task, rest @ ..] = &arguments[..] else {
        return Err("give TABLE TASK [CELLS] [SEEDS]".into());
    };
    let number = |i: usize, default: usize| rest.get(i).map_or(Ok(default), |text| text.parse());
    let (cells, seeds) = (number(0, 100)?, number(1, 20)?);
    let table = Table::open(table.as_ref())?;
    let kind = CellKind { none: Some(NONE), ..CellKind::nas_bench_201() };
    let study = Study { table: &table, task: table.task(Some(task))?, kind, cells };
    println!("{:28} {:>16} {:>16} {:>16}", "encoding", "sampling", "perturbation", "predictor");
    for encoding in ENCODINGS {
        let (mut sampling, mut perturbation, mut predictor) = (Vec::new(), Vec::new(), Vec::new());
        for seed in 0..seeds as u64 {
            sampling.extend(study.sampling(*encoding, seed)?);
            perturbation.extend(study.perturbation(*encoding, seed)?);
            predictor.push(study.predictor(*encoding, seed)?);
        }
        let [sampling, perturbation, predictor] = [sampling, perturbation, predictor].map(|v| shown(&v));
        println!("{:28} {sampling:>16} {perturbation:>16} {predictor:>16}", encoding.name());
    }
    Ok(())
}
