//! Tables of networks that somebody has measured on a device, and device files that are fitted to them.

use crate::load_architecture;
use anyhow::{Context, Result, anyhow, bail, ensure};
use flate2::read::MultiGzDecoder;
use nasmyth_device::models::{Model, Range, Sample, model_named};
use nasmyth_device::{DeviceCost, DeviceFile, Fit, Header, Score};
use nasmyth_graph::ops::Zero;
use nasmyth_graph::{NodeId, VerifiedGraph};
use nasmyth_space::spaces::cell::parse_cell;
use nasmyth_space::{Gene, Rng};
use nasmyth_zoo::{Input, member};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The columns that say what a network is.
const NETWORK: &str = "network";
const RESOLUTION: &str = "resolution";
const CLASSES: &str = "classes";

/// The columns of values, without the unit that their names end with.
const VALUES: [(DeviceCost, &str); 2] = [(DeviceCost::Latency, "latency"), (DeviceCost::Energy, "energy")];

/// What the ends of names of columns say, in seconds or joules.
const UNITS: [(&str, f64); 8] = [
    ("_s", 1.0),
    ("_ms", 1e-3),
    ("_us", 1e-6),
    ("_ns", 1e-9),
    ("_j", 1.0),
    ("_mj", 1e-3),
    ("_uj", 1e-6),
    ("_nj", 1e-9),
];

/// The model of a table: small, and one that tells of every network.
const MODEL: &str = "summed";

/// How a device file is made of tables.
///
/// ```no_run
/// use nasmyth::{MeasuredTable, TableFit, fit_tables};
/// # let header = nasmyth::device::Header { name: "pi".into(), address: None, processor: String::new(), runtime: String::new(),
/// #     version_of_runtime: String::new(), threads: 1, date: String::new() };
/// let tables = [MeasuredTable::read("measured.csv".as_ref())?];
/// let device = fit_tables(&tables, &TableFit { header, of: vec!["mobile networks".to_owned()], train: 400, seed: 0 })?;
/// println!("{}", device.to_text()?);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TableFit {
    /// Who the device is.
    pub header: Header,
    /// Which networks each table holds, in words.
    pub of: Vec<String>,
    /// Networks of each table that the model is fitted to; all others are held out.
    pub train: usize,
    /// Of the choice of these networks.
    pub seed: u64,
}

/// Networks, and what was measured of them.
pub struct MeasuredTable {
    path: PathBuf,
    rows: Vec<Row>,
}

struct Row {
    graph: VerifiedGraph,
    /// In seconds and joules, as [`VALUES`]; nothing where it was not measured.
    values: [Option<f64>; VALUES.len()],
}

impl MeasuredTable {
    /// Reads comma-separated values (gzip or not) with a column `network` and columns `latency_ms`, `energy_mj` (or another unit).
    /// A network is a cell of NAS-Bench-201 in its own words, a name of the zoo with its numbers, or the path of a file, relative to the
    /// table's; of the zoo's, `resolution` and `classes` may be given. Empty cells and values that are not above zero count as not
    /// measured. Networks whose answer does not depend on their input are left out: some runtimes compute it in advance.
    ///
    /// # Errors
    /// A file that cannot be read; a column that is missing; a network that cannot be built, or a value that is no number, with its line.
    pub fn read(path: &Path) -> Result<Self> {
        let text = text(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> =
            reader.headers().with_context(|| path.display().to_string())?.iter().map(str::to_owned).collect();
        let columns = Columns::of(&header).with_context(|| path.display().to_string())?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut rows = Vec::new();
        for (i, record) in reader.records().enumerate() {
            let row = record.map_err(anyhow::Error::from).and_then(|record| columns.row(&record, folder));
            let row = row.with_context(|| format!("{}, line {}", path.display(), i + 2))?;
            rows.extend(Some(row).filter(|row| reads_its_input(&row.graph)));
        }
        Ok(Self { path: path.to_owned(), rows })
    }

    /// How well a device predicts the networks of this table that have a value of this cost, and the share of them in the intervals, which
    /// are wide beyond what its model was fitted to.
    pub fn score(&self, cost: DeviceCost, fit: &Fit) -> (Score, f64) {
        judge(self.samples(cost), fit)
    }

    fn samples(&self, cost: DeviceCost) -> impl Iterator<Item = Sample<'_>> {
        let at = VALUES.iter().position(|(of, _)| *of == cost).unwrap_or_default();
        self.rows.iter().filter_map(move |row| Some(Sample { graph: &row.graph, seconds: row.values[at]? }))
    }
}

/// Fits models of latency and, where it was measured, of energy to a part of each table; errors are those on the rest, without networks that
/// are equal to one that was fitted to.
///
/// # Errors
/// Tables without latency and energy, or too few networks.
pub fn fit_tables(tables: &[MeasuredTable], how: &TableFit) -> Result<DeviceFile> {
    let mut device = DeviceFile::new(how.header.clone());
    device.latency = fit(tables, how, DeviceCost::Latency)?;
    device.energy = fit(tables, how, DeviceCost::Energy)?;
    if device.latency.is_none() && device.energy.is_none() {
        let names: Vec<String> = tables.iter().map(|table| table.path.display().to_string()).collect();
        bail!("no network has a latency or an energy above zero in {}", names.join(", "));
    }
    Ok(device)
}

fn fit(tables: &[MeasuredTable], how: &TableFit, cost: DeviceCost) -> Result<Option<Fit>> {
    let (mut train, mut rest, mut of) = (Vec::new(), Vec::new(), Vec::new());
    for (table, name) in tables.iter().zip(&how.of) {
        let mut samples: Vec<Sample<'_>> = table.samples(cost).collect();
        of.extend((!samples.is_empty()).then_some(name.as_str()));
        samples.shuffle(&mut Rng::seed_from_u64(how.seed));
        rest.extend(samples.split_off(how.train.min(samples.len())));
        train.extend(samples);
    }
    if train.is_empty() {
        return Ok(None);
    }
    let known: BTreeSet<u128> = train.iter().map(|sample| sample.graph.canonical_hash()).collect();
    rest.retain(|sample| !known.contains(&sample.graph.canonical_hash()));
    let failed = || format!("device `{}`: no model of {} can be fitted", how.header.name, cost.name());
    let model = fitted(&train).with_context(failed)?;
    let held_out = Score { within_10: f64::NAN, spearman: f64::NAN, networks: 0 };
    let (of, networks, range) = (of.join(", "), train.len(), Range::of(&train));
    let mut fit = Fit { of, networks, held_out, covered: None, range, model };
    ensure!(!rest.is_empty(), "{}: no network is left to judge the model on: lower --train", failed());
    let (held_out, covered) = judge(rest.into_iter(), &fit);
    (fit.held_out, fit.covered) = (held_out, Some(covered));
    Ok(Some(fit))
}

fn fitted(samples: &[Sample<'_>]) -> Result<Model> {
    let kind = model_named(MODEL).ok_or_else(|| anyhow!("there is no model `{MODEL}`"))?;
    Ok((kind.fit)(samples)?)
}

/// How good predictions are, and the share of measurements in their intervals.
fn judge<'a>(samples: impl Iterator<Item = Sample<'a>>, fit: &Fit) -> (Score, f64) {
    let (mut pairs, mut inside) = (Vec::new(), 0usize);
    for sample in samples {
        let predicted = fit.predict(sample.graph);
        // What a model does not know of counts as infinitely far off.
        let seconds = predicted.as_ref().map_or(f64::INFINITY, |p| p.seconds);
        inside += usize::from(predicted.is_ok_and(|p| (p.low..=p.high).contains(&sample.seconds)));
        pairs.push((seconds, sample.seconds));
    }
    (Score::of(&pairs), inside as f64 / pairs.len().max(1) as f64)
}

/// Where in a row is what.
struct Columns {
    network: usize,
    resolution: Option<usize>,
    classes: Option<usize>,
    /// As [`VALUES`], each with its unit.
    values: [Option<(usize, f64)>; VALUES.len()],
}

impl Columns {
    fn of(header: &[String]) -> Result<Self> {
        let at = |name: &str| header.iter().position(|column| column == name);
        let value = |name: &str| {
            UNITS.iter().find_map(|(ending, unit)| Some((at(&format!("{name}{ending}"))?, *unit)))
        };
        let network = at(NETWORK)
            .with_context(|| format!("line 1: expected a column `{NETWORK}`, got {}", header.join(", ")))?;
        let values = VALUES.map(|(_, name)| value(name));
        ensure!(
            values.iter().any(Option::is_some),
            "line 1: expected a column such as `latency_ms` or `energy_mj`, got {}",
            header.join(", ")
        );
        Ok(Self { network, resolution: at(RESOLUTION), classes: at(CLASSES), values })
    }

    fn row(&self, record: &csv::StringRecord, folder: &Path) -> Result<Row> {
        let cell = |at: usize| record.get(at).unwrap_or_default().trim();
        let number = |at: Option<usize>, name: &str| match at.map(cell).filter(|cell| !cell.is_empty()) {
            None => Ok(None),
            Some(cell) => cell
                .parse()
                .map(Some)
                .map_err(|_| anyhow!("column `{name}`: expected a whole number, got `{cell}`")),
        };
        let input = Input {
            resolution: number(self.resolution, RESOLUTION)?,
            classes: number(self.classes, CLASSES)?,
            channels: None,
        };
        let mut values = [None; VALUES.len()];
        for ((value, column), (_, name)) in values.iter_mut().zip(self.values).zip(VALUES) {
            let Some((at, unit)) = column.filter(|(at, _)| !cell(*at).is_empty()) else { continue };
            let got = cell(at);
            let measured: f64 =
                got.parse().map_err(|_| anyhow!("column `{name}`: expected a number, got `{got}`"))?;
            *value = Some(unit * measured).filter(|v| v.is_finite() && *v > 0.0);
        }
        Ok(Row { graph: network(cell(self.network), &input, folder)?, values })
    }
}

/// The network that a cell of a table names.
fn network(text: &str, input: &Input, folder: &Path) -> Result<VerifiedGraph> {
    let file = folder.join(text);
    if !text.starts_with('|') && file.is_file() {
        return load_architecture(&file);
    }
    let name = if text.starts_with('|') { nas_bench_201(text)? } else { text.to_owned() };
    Ok(member(&name)?.graph(input)?.verify()?)
}

/// Whether the answer depends on the input: some cells consist of zeros.
fn reads_its_input(graph: &VerifiedGraph) -> bool {
    let mut reads = vec![false; graph.nodes().len()];
    for (i, node) in graph.nodes().iter().enumerate() {
        let zero = node.op.downcast::<Zero>().is_some();
        reads[i] = NodeId(i) == graph.input_id() || !zero && node.inputs.iter().any(|input| reads[input.0]);
    }
    graph.outputs().iter().any(|output| reads[output.0])
}

/// A cell of NAS-Bench-201 as a name of the zoo.
fn nas_bench_201(text: &str) -> Result<String> {
    use nasmyth_space::spaces::cell::OPERATORS;
    let operator = |gene: &Gene| match gene {
        Gene::Index(i) => OPERATORS.get(*i as usize).copied(),
        Gene::Real(_) => None,
    };
    let numbers = parse_cell(text)?;
    let numbers = numbers.iter().filter_map(operator).enumerate();
    let numbers: Vec<String> = numbers.map(|(i, operator)| format!("op{}={operator}", i + 1)).collect();
    Ok(format!("nasbench201:{}", numbers.join(",")))
}

fn text(path: &Path) -> std::io::Result<String> {
    let bytes = std::fs::read(path)?;
    let mut text = String::new();
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text)?,
        false => (&bytes[..]).read_to_string(&mut text)?,
    };
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_device::operators;

    const OPERATORS: [&str; 4] = ["skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];

    fn cell(number: usize) -> String {
        let edge = |i: u32, from: usize| format!("{}~{from}", OPERATORS[number / 4usize.pow(i) % 4]);
        format!(
            "|{}|+|{}|{}|+|{}|{}|{}|",
            edge(0, 0),
            edge(1, 0),
            edge(2, 1),
            edge(3, 0),
            edge(4, 1),
            edge(5, 2)
        )
    }

    /// A table of cells whose time is 1 us for each thousand of multiply-accumulates and 50 us for each operator, with errors of up to 2 %, and
    /// whose energy is half a millijoule for each millisecond.
    fn table(folder: &Path, cells: impl Iterator<Item = usize>) -> PathBuf {
        let mut text = "network,note,latency_us,energy_mj\n".to_owned();
        for number in cells {
            let graph = network(&cell(number), &Input::default(), folder).unwrap();
            let noise = 1.0 + 0.004 * ((number * 7919 % 11) as f64 - 5.0);
            let us = noise * (graph.macs() as f64 / 1e3 + 50.0 * operators(&graph).len() as f64);
            text += &format!("{},x,{us},{}\n", cell(number), 0.5e-3 * us);
        }
        let path = folder.join("cells.csv");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn how() -> TableFit {
        let header = Header {
            name: "board".to_owned(),
            address: None,
            processor: "Board".to_owned(),
            runtime: "plan".to_owned(),
            version_of_runtime: String::new(),
            threads: 1,
            date: "2026-01-31".to_owned(),
        };
        TableFit { header, of: vec!["cells".to_owned()], train: 40, seed: 0 }
    }

    #[test]
    fn a_device_of_a_table_predicts_networks_that_it_was_not_fitted_to() {
        let folder = tempfile::tempdir().unwrap();
        let tables = [MeasuredTable::read(&table(folder.path(), (0..80).map(|i| i * 51 + 7))).unwrap()];
        let device = fit_tables(&tables, &how()).unwrap();
        let (latency, energy) = (device.latency.as_ref().unwrap(), device.energy.as_ref().unwrap());
        for fit in [latency, energy] {
            assert!(fit.networks == 40 && (30..=40).contains(&fit.held_out.networks), "{fit:?}");
            assert!(
                fit.held_out.within_10 > 0.9 && fit.covered > Some(0.8),
                "{:?} {:?}",
                fit.held_out,
                fit.covered
            );
        }
        let again = DeviceFile::parse(&device.to_text().unwrap()).unwrap();
        let graph = network(&cell(3), &Input::default(), folder.path()).unwrap();
        let [first, second] = [&device, &again].map(|d| d.latency.as_ref().unwrap().predict(&graph).unwrap());
        assert!((first.seconds / second.seconds - 1.0).abs() < 1e-12);
        assert_eq!(latency.beyond(&graph), None);
        let other = network("mobilenetv2_100", &Input::default(), folder.path()).unwrap();
        assert!(latency.beyond(&other).is_some());
    }

    #[test]
    fn what_is_wrong_in_a_table_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wrong.csv");
        let good = cell(0);
        for (text, named) in [
            ("arch,latency_ms\nx,1\n".to_owned(), "a column `network`"),
            ("network,latency\nx,1\n".to_owned(), "such as `latency_ms`"),
            (format!("network,latency_ms\n{good},1\n{good},fast\n"), "line 3"),
            (format!("network,latency_ms\n{good},fast\n"), "expected a number, got `fast`"),
            ("network,latency_ms\nresnet51,1\n".to_owned(), "resnet5"),
            (format!("network,resolution,latency_ms\n{good},big,1\n"), "expected a whole number, got `big`"),
        ] {
            std::fs::write(&path, &text).unwrap();
            let error = MeasuredTable::read(&path).err().map(|e| format!("{e:#}")).unwrap_or_default();
            assert!(error.contains(named) && error.contains("wrong.csv"), "{text}: {error}");
        }
        std::fs::write(&path, format!("network,latency_ms\n{good},-1\n{},\n", cell(1))).unwrap();
        let none = fit_tables(&[MeasuredTable::read(&path).unwrap()], &how()).unwrap_err().to_string();
        assert!(none.contains("no network has a latency"), "{none}");
    }

    #[test]
    fn networks_that_do_not_read_their_input_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zeros.csv");
        let zero = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
        let pool = "|none~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|none~2|";
        std::fs::write(&path, format!("network,latency_ms\n{zero},0.01\n{pool},1\n")).unwrap();
        assert_eq!(MeasuredTable::read(&path).unwrap().rows.len(), 1);
    }
}
