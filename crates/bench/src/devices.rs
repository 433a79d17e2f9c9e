//! How well latencies are predicted: devices are columns of a table, networks its genotypes.

use crate::network::{cell_graph, is_cell};
use crate::{BenchError, Table};
use nasmyth_device::Score;
use nasmyth_device::models::{Cells, OperatorTable};
use nasmyth_space::{Gene, Genotype, Rng};
use nasmyth_surrogate::{Known, Transfer, non_negative_least_squares};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Instant;

/// Networks among which those to measure on a new device are drawn, or chosen.
const CANDIDATES: usize = 300;
/// Predictions that are timed.
const TIMED: usize = 1000;

/// What is done to each device.
#[derive(Clone, Debug)]
pub struct DeviceProtocol {
    /// Networks that a device's own model is fitted to; all others are held out.
    pub train: usize,
    /// Networks that are measured on a new device.
    pub few: usize,
    /// Repetitions with other networks on the new device; results are means.
    pub seeds: u64,
    /// Column in place of the MACs of NAS-Bench-201's cells.
    pub work: Option<String>,
}

/// What became of one device. Every score is on the held-out networks.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceResult {
    /// Column.
    pub device: String,
    /// Table and Gaussian process over genotypes, fitted to the training networks.
    pub model: Score,
    /// Share of measurements in its 95 % intervals.
    pub coverage: f64,
    /// Microseconds that it takes for one network.
    pub microseconds: f64,
    /// Table of operators at their places, fitted to the training networks.
    pub lookup: Score,
    /// A line over the MACs, fitted to the training networks.
    pub macs: Option<Score>,
    /// As a new device, with networks that were chosen.
    pub chosen: FewShot,
    /// As a new device, with random networks.
    pub random: FewShot,
}

/// A new device, with few measured networks.
#[derive(Clone, Debug, Serialize)]
pub struct FewShot {
    /// Table of operators that starts from those of all other devices.
    pub others: Score,
    /// The same from the devices of other families.
    pub other_families: Option<Score>,
    /// Mixture of the models of the devices of other families, without a table.
    pub mixture: Option<Score>,
    /// Table of operators, fitted to the same few networks.
    pub lookup: Score,
    /// A line over the MACs, fitted to the same few networks.
    pub macs: Option<Score>,
}

/// The table as the study sees it.
struct Devices {
    genotypes: Vec<Vec<u32>>,
    /// For each network how often it has each operator, whatever the place, and 1 for its start.
    operators: Vec<Vec<f64>>,
    /// ... and whether it has it at each place.
    placed: Vec<Vec<f64>>,
    macs: Option<Vec<Vec<f64>>>,
    /// For each device its times; not above zero where unknown.
    times: Vec<Vec<f64>>,
    /// Rows to train on, and all others.
    train: Vec<usize>,
    test: Vec<usize>,
}

/// Fits and scores every device of a table. A device's family is the beginning of its name up to the first `_`: the same processor
/// with another batch size tells more than another processor does.
///
/// # Errors
/// No such column, or fewer networks than are to be trained on.
pub fn evaluate_devices(
    table: &Table,
    columns: &[String],
    protocol: &DeviceProtocol,
) -> Result<Vec<DeviceResult>, BenchError> {
    let devices = Devices::new(table, columns, protocol)?;
    let mut models = Vec::with_capacity(columns.len());
    for (d, name) in columns.iter().enumerate() {
        models.push(devices.fit(d).ok_or_else(|| table.wrong("latencies above zero", name.clone()))?);
    }
    // What each device's model says of each network, by rows.
    let logs: Vec<Vec<f64>> =
        devices.genotypes.iter().map(|g| models.iter().map(|m| m.log_seconds(g)).collect()).collect();
    // From the models, not the measurements, so that wrong measurements stay out.
    let tables: Vec<OperatorTable> = (0..columns.len()).map(|d| devices.table(d, &logs)).collect();
    let family = |d: usize| columns[d].split('_').next().unwrap_or_default();
    let result = |d: usize| {
        let others: Vec<usize> = (0..columns.len()).filter(|&o| o != d).collect();
        let apart: Vec<usize> = others.iter().copied().filter(|&o| family(o) != family(d)).collect();
        let few = |design: bool| {
            let of: Vec<FewShot> = (0..protocol.seeds)
                .filter_map(|seed| {
                    devices.few(d, (&logs, &tables), [&others, &apart], protocol.few, design, seed)
                })
                .collect();
            mean_few(&of)
        };
        let (coverage, microseconds) = devices.intervals(d, &models[d]);
        Some(DeviceResult {
            device: columns[d].clone(),
            model: devices.score(d, |row| logs[row][d].exp()),
            coverage,
            microseconds,
            lookup: devices.linear(d, &devices.placed, &devices.known(d, &devices.train)),
            macs: devices.macs.as_ref().map(|m| devices.linear(d, m, &devices.known(d, &devices.train))),
            chosen: few(true)?,
            random: few(false)?,
        })
    };
    (0..columns.len())
        .map(|d| {
            result(d).ok_or_else(|| table.wrong("at least three devices and one seed", columns[d].clone()))
        })
        .collect()
}

impl Devices {
    fn new(table: &Table, columns: &[String], protocol: &DeviceProtocol) -> Result<Self, BenchError> {
        let column = |name: &String| Ok(table.column(name)?.iter().map(|&v| f64::from(v)).collect());
        let times: Vec<Vec<f64>> = columns.iter().map(column).collect::<Result<_, BenchError>>()?;
        let genotypes: Vec<Vec<u32>> = (0..table.rows()).map(|row| options(&table.genotype(row))).collect();
        let genes = table.genes();
        let mut words: BTreeMap<&str, usize> =
            genes.iter().flat_map(|gene| gene.options.iter().map(|option| (option.as_str(), 0))).collect();
        words.values_mut().enumerate().for_each(|(i, at)| *at = i);
        let count = |genotype: &Vec<u32>| {
            let mut counts = vec![0.0; words.len() + 1];
            counts[words.len()] = 1.0;
            let chosen =
                genotype.iter().zip(genes).map(|(&o, gene)| words[gene.options[o as usize].as_str()]);
            chosen.for_each(|at| counts[at] += 1.0);
            counts
        };
        let place = |genotype: &Vec<u32>| {
            let hot = |(&option, gene): (&u32, &crate::table::GeneOptions)| {
                (0..gene.options.len() as u32)
                    .map(move |o| f64::from(u8::from(o == option)))
                    .collect::<Vec<_>>()
            };
            genotype.iter().zip(genes).flat_map(hot).collect()
        };
        let affine = |work: f64| vec![1.0, work];
        let macs = match &protocol.work {
            Some(name) => Some(table.column(name)?.iter().map(|&v| affine(v.into())).collect()),
            None if is_cell(genes) => {
                let macs = |genotype: &Vec<u32>| {
                    let words = genotype.iter().zip(genes).map(|(&o, gene)| &gene.options[o as usize]);
                    let graph = cell_graph(&words.collect::<Vec<_>>()).ok()?.verify().ok()?;
                    Some(affine(graph.macs() as f64))
                };
                genotypes.iter().map(macs).collect::<Option<_>>()
            }
            None => None,
        };
        let mut rows: Vec<usize> = (0..table.rows()).collect();
        rows.shuffle(&mut Rng::seed_from_u64(0));
        if protocol.train == 0 || protocol.train >= rows.len() {
            let expected = format!("1 to {} training networks", rows.len().saturating_sub(1));
            return Err(table.wrong(&expected, protocol.train.to_string()));
        }
        let test = rows.split_off(protocol.train);
        let (operators, placed) =
            (genotypes.iter().map(count).collect(), genotypes.iter().map(place).collect());
        Ok(Self { operators, placed, macs, times, train: rows, test, genotypes })
    }

    /// Rows with a measurement.
    fn known(&self, device: usize, rows: &[usize]) -> Vec<usize> {
        let measured = |row: &usize| self.times[device][*row] > 0.0;
        rows.iter().copied().filter(measured).collect()
    }

    fn fit(&self, device: usize) -> Option<Cells> {
        let rows = self.known(device, &self.train);
        let genotypes: Vec<Vec<u32>> = rows.iter().map(|&row| self.genotypes[row].clone()).collect();
        let times: Vec<f64> = rows.iter().map(|&row| self.times[device][row]).collect();
        Cells::fit(&genotypes, &times).ok()
    }

    fn score(&self, device: usize, predict: impl Fn(usize) -> f64) -> Score {
        let rows = self.known(device, &self.test);
        Score::of(&rows.iter().map(|&row| (predict(row), self.times[device][row])).collect::<Vec<_>>())
    }

    /// Times as non-negative sums of features, fitted to some rows with relative errors.
    fn linear(&self, device: usize, features: &[Vec<f64>], rows: &[usize]) -> Score {
        let row = |&row: &usize| features[row].iter().map(|f| f / self.times[device][row]).collect();
        let scaled: Vec<Vec<f64>> = rows.iter().map(row).collect();
        let x = non_negative_least_squares(&scaled, &vec![1.0; rows.len()]);
        self.score(device, |row| features[row].iter().zip(&x).map(|(f, x)| f * x).sum())
    }

    /// Share of held-out networks in the model's intervals, and microseconds for one prediction.
    fn intervals(&self, device: usize, model: &Cells) -> (f64, f64) {
        let rows = self.known(device, &self.test);
        let rows = &rows[..rows.len().min(TIMED)];
        let start = Instant::now();
        let inside = rows.iter().filter(|&&row| {
            let p = model.seconds(&self.genotypes[row]);
            (p.low..=p.high).contains(&self.times[device][row])
        });
        let inside = inside.count() as f64;
        let n = rows.len().max(1) as f64;
        (inside / n, 1e6 * start.elapsed().as_secs_f64() / n)
    }

    /// A new device: few of its training networks are measured, and the models of all others and of other families are known. `None`
    /// without two other devices.
    fn few(
        &self,
        device: usize,
        (logs, tables): (&[Vec<f64>], &[OperatorTable]),
        [others, apart]: [&[usize]; 2],
        count: usize,
        design: bool,
        seed: u64,
    ) -> Option<FewShot> {
        let mut candidates = self.known(device, &self.train);
        candidates.shuffle(&mut Rng::seed_from_u64(seed + 1));
        candidates.truncate(CANDIDATES);
        let values = |row: usize| apart.iter().map(|&o| logs[row][o]).collect::<Vec<f64>>();
        let prior = Known::new(&self.train.iter().map(|&row| values(row)).collect::<Vec<_>>());
        let pool: Vec<Vec<f64>> = candidates.iter().map(|&row| values(row)).collect();
        let rows: Vec<usize> = match prior.as_ref().filter(|_| design) {
            Some(prior) => prior.choose(&pool, count).into_iter().map(|i| candidates[i]).collect(),
            None => candidates.iter().copied().take(count).collect(),
        };
        let times: Vec<f64> = rows.iter().map(|&row| self.times[device][row]).collect();
        let counts: Vec<Vec<f64>> = rows.iter().map(|&row| self.operators[row].clone()).collect();
        let near = |known: &[usize]| {
            let tables: Vec<OperatorTable> = known.iter().map(|&o| tables[o].clone()).collect();
            let table = OperatorTable::near(&tables, &self.mean_operators(), &counts, &times)?;
            Some(self.score(device, |row| table.sum(&self.operators[row])))
        };
        let mixture = || {
            let samples: Vec<Vec<f64>> = rows.iter().map(|&row| values(row)).collect();
            let targets: Vec<f64> = times.iter().map(|t| t.ln()).collect();
            let transfer = Transfer::fit(prior.as_ref()?, &samples, &targets)?;
            Some(self.score(device, |row| transfer.mean(&values(row)).exp()))
        };
        Some(FewShot {
            others: near(others)?,
            other_families: near(apart),
            mixture: mixture(),
            lookup: self.linear(device, &self.operators, &rows),
            macs: self.macs.as_ref().map(|macs| self.linear(device, macs, &rows)),
        })
    }

    /// What a device's model says of the training networks, as a table.
    fn table(&self, device: usize, logs: &[Vec<f64>]) -> OperatorTable {
        let counts: Vec<Vec<f64>> = self.train.iter().map(|&row| self.operators[row].clone()).collect();
        let times: Vec<f64> = self.train.iter().map(|&row| logs[row][device].exp()).collect();
        OperatorTable::fit(&counts, &times)
    }

    fn mean_operators(&self) -> Vec<f64> {
        let n = self.train.len() as f64;
        let mean = |j: usize| self.train.iter().map(|&row| self.operators[row][j]).sum::<f64>() / n;
        (0..self.operators[0].len()).map(mean).collect()
    }
}

fn options(genotype: &Genotype) -> Vec<u32> {
    let option = |gene: &Gene| match gene {
        Gene::Index(option) => Some(*option),
        Gene::Real(_) => None, // tables have options only
    };
    genotype.genes().iter().filter_map(option).collect()
}

fn mean_few(all: &[FewShot]) -> Option<FewShot> {
    let optional = |f: fn(&FewShot) -> Option<Score>| {
        all.iter().map(f).collect::<Option<Vec<_>>>().and_then(|scores| mean(&scores))
    };
    Some(FewShot {
        others: mean(&all.iter().map(|f| f.others).collect::<Vec<_>>())?,
        other_families: optional(|f| f.other_families),
        mixture: optional(|f| f.mixture),
        lookup: mean(&all.iter().map(|f| f.lookup).collect::<Vec<_>>())?,
        macs: optional(|f| f.macs),
    })
}

fn mean(scores: &[Score]) -> Option<Score> {
    let n = scores.len() as f64;
    let of = |f: fn(&Score) -> f64| scores.iter().map(f).sum::<f64>() / n;
    let networks = scores.first()?.networks;
    Some(Score { within_10: of(|s| s.within_10), spearman: of(|s| s.spearman), networks })
}
