//! Which encoding of a cell a predictor learns most from (White, Neiswanger, Nolen and Savani 2020, the predictor subroutine): rank
//! correlation of a Gaussian process on each, trained on a few cells of a table of NAS-Bench-201's kind:
//! `cargo run --release -p nasmyth-bench --example encodings -- TABLE TASK [CELLS] [SEEDS]`.

use nasmyth_bench::{Benchmark, Table, statistics};
use nasmyth_space::{Gene, Genotype};
use nasmyth_surrogate::encodings::{CellKind, ENCODINGS};
use nasmyth_surrogate::{GaussianProcess, Matrix, half_rank};
use std::error::Error;

/// The operator that is no edge, by alphabet: after `avg_pool_3x3`.
const NONE: usize = 1;
/// Cells that are ranked.
const RANKED: usize = 500;
/// Squared lengths, in units of the mean squared distance, and noises that are tried.
const LENGTHS: [f64; 4] = [0.25, 0.5, 1.0, 2.0];
const NOISES: [f64; 3] = [0.01, 0.1, 0.5];

fn options(genotype: &Genotype) -> Vec<usize> {
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

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [table, task, rest @ ..] = &arguments[..] else {
        return Err("give TABLE TASK [CELLS] [SEEDS]".into());
    };
    let number = |i: usize, default: usize| rest.get(i).map_or(Ok(default), |text| text.parse());
    let (cells, seeds) = (number(0, 100)?, number(1, 20)?);
    let table = Table::open(table.as_ref())?;
    let task = table.task(Some(task))?;
    let kind = CellKind { none: Some(NONE), ..CellKind::nas_bench_201() };
    for encoding in ENCODINGS {
        let mut taus = Vec::new();
        for seed in 0..seeds as u64 {
            let mut rows: Vec<usize> = (0..table.rows()).collect();
            rows.sort_by_key(|row| statistics::mixed(seed, *row as u64));
            let genotypes: Vec<Genotype> =
                rows.iter().take(cells + RANKED).map(|row| table.genotype(*row)).collect();
            let codes: Vec<Vec<f64>> =
                genotypes.iter().map(|g| encoding.encode(&kind, &options(g))).collect();
            let effort = task.efforts().len() - 1;
            let signals: Vec<f64> = genotypes[..cells]
                .iter()
                .map(|g| task.signal(g, effort, seed).ok_or("a cell without a signal"))
                .collect::<Result<_, _>>()?;
            let scores: Vec<f64> = genotypes[cells..]
                .iter()
                .map(|g| task.score(g).ok_or("a cell without a score"))
                .collect::<Result<_, _>>()?;
            let (known, ranked) = codes.split_at(cells);
            let (process, length) = fit(known, &half_rank(&signals)).ok_or("no process fits")?;
            let near = |code: &Vec<f64>| -> Vec<f64> {
                known.iter().map(|k| (-squared(k, code) / (2.0 * length)).exp()).collect()
            };
            let means: Vec<f64> = ranked.iter().map(|code| process.mean(&near(code))).collect();
            taus.push(tau(&means, &scores));
        }
        let (mean, error) = (statistics::mean(&taus), statistics::standard_error(&taus));
        println!("{:24} tau {mean:.3} +- {:.3}", encoding.name(), 1.96 * error);
    }
    Ok(())
}
