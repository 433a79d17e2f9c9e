//! An open dataset: decoded samples, their division and their statistics.

use crate::error::DataError;
use crate::features::{Features, Subset, Task, TaskKind};
use crate::formats::{Raw, Request, detect};
use crate::schema::{Column, Schema};
use crate::sink::Decoded;
use crate::source::Source;
use crate::split::{Cut, Division, Split};
use crate::statistics::Statistics;
use crate::store::{Element, Store};
use crate::table::{self, Encoder, RawTable};
use xxhash_rust::xxh3::Xxh3;

/// How to open a dataset.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Target column of a table: its name, or its 0-based position in a file without names. Default: the last.
    pub target: Option<String>,
    /// The task, where the values do not show it. Default: detected.
    pub task: Option<TaskKind>,
    /// Seed of the division into parts. Default: 0.
    pub seed: u64,
    /// Share of the samples that are not for testing to validate on, from 0 to below 1. Default: 0.15.
    pub valid_fraction: f64,
    /// Share of the samples to test on, from 0 to below 1, where the source has no test part. Default: 0.2.
    pub test_fraction: f64,
    /// Bytes of samples to hold in memory; beyond, they go to a temporary file. Default: 4 GiB.
    pub memory_limit: u64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            target: None,
            task: None,
            seed: 0,
            valid_fraction: 0.15,
            test_fraction: 0.2,
            memory_limit: 4 << 30,
        }
    }
}

/// An open dataset.
pub struct Dataset {
    name: String,
    schema: Schema,
    notes: Vec<String>,
    fingerprint: String,
    store: Store,
    encoder: Option<Encoder>,
    labels: Vec<f32>,
    division: Division,
    statistics: Statistics,
}

/// Opens the file or folder at `path`, or a generated dataset (`builtin:NAME`).
///
/// Errors: nothing there, unknown or broken format, values that are not finite, a missing target column, one
/// class only, too few samples to split.
pub fn open(path: &str, options: &OpenOptions) -> Result<Dataset, DataError> {
    let source = Source::new(path)?;
    let format = detect(&source)?;
    let target = options.target.as_deref();
    let request = Request { target, memory_limit: options.memory_limit, like: None };
    let plan = Assembly { source: &source, format: format.name(), options };
    match format.read(&source, &request)? {
        Raw::Samples(decoded) => plan.samples(*decoded),
        Raw::Table(rows) => plan.table(table::read(&*rows, target, options.memory_limit)?),
    }
}

/// The way from decoded samples to a dataset.
struct Assembly<'a> {
    source: &'a Source,
    format: &'a str,
    options: &'a OpenOptions,
}

impl Assembly<'_> {
    fn samples(&self, decoded: Decoded) -> Result<Dataset, DataError> {
        self.build(decoded, Vec::new(), false)
    }

    fn table(&self, raw: RawTable) -> Result<Dataset, DataError> {
        self.build(raw.decoded, raw.columns, raw.header)
    }

    fn build(&self, decoded: Decoded, mut columns: Vec<Column>, header: bool) -> Result<Dataset, DataError> {
        let Decoded { mut features, store, labels, test, mut notes } = decoded;
        let (task, labels) = labels.resolve(self.options.task, self.source.path())?;
        let fingerprint = fingerprint(&features, &task, &columns, (&store, &labels, &test));
        let division = Division::new(&self.cut(&task, &labels, &test), self.source.path())?;
        let train = division.indices(Subset::Train);
        notes.extend(untrained(&task, &labels, train));
        let encoder = (!columns.is_empty()).then(|| Encoder::fit(&store, train, &mut columns));
        if encoder.is_some() {
            features = table::features(&columns);
        }
        let schema = Schema { format: self.format.into(), features, task, columns, header };
        let name = self.source.name();
        let statistics = Statistics { mean: Vec::new(), std: Vec::new(), target_mean: 0.0, target_std: 1.0 };
        let mut data =
            Dataset { name, schema, notes, fingerprint, store, encoder, labels, division, statistics };
        data.statistics = Statistics::of(&data);
        Ok(data)
    }

    fn cut<'c>(&self, task: &'c Task, labels: &'c [f32], test: &'c [bool]) -> Cut<'c> {
        let OpenOptions { seed, test_fraction, valid_fraction, .. } = *self.options;
        Cut { task, labels, test, seed, test_fraction, valid_fraction }
    }
}

/// A note if a class occurs in the source's own test part only.
fn untrained(task: &Task, labels: &[f32], train: &[u32]) -> Option<String> {
    let Task::Classification { classes } = task else { return None };
    let mut seen = vec![false; classes.len()];
    train.iter().for_each(|&i| seen[labels[i as usize] as usize] = true);
    let class = classes.iter().zip(seen).find(|(_, seen)| !seen)?.0;
    Some(format!("class '{class}' has no training sample"))
}

/// A hash of everything that comes from the source.
fn fingerprint(
    features: &Features,
    task: &Task,
    columns: &[Column],
    (store, labels, test): (&Store, &[f32], &[bool]),
) -> String {
    let mut hasher = Xxh3::new();
    hasher.update(format!("{features:?} {task:?} {columns:?}").as_bytes());
    store.hash(&mut hasher);
    labels.iter().zip(test).for_each(|(label, &test)| {
        hasher.update(&label.to_le_bytes());
        hasher.update(&[u8::from(test)]);
    });
    format!("{:032x}", hasher.digest128())
}

impl Dataset {
    /// Name of the file, folder or generator, without suffixes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name of the format, as in [`crate::FORMATS`].
    pub fn format(&self) -> &str {
        &self.schema.format
    }

    /// Kind and shape of a sample.
    pub fn features(&self) -> &Features {
        &self.schema.features
    }

    /// What is predicted.
    pub fn task(&self) -> &Task {
        &self.schema.task
    }

    /// How samples were decoded, for [`crate::open_like`].
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What the user should know about how the source was read.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Hash of the content: the same data gives the same string, wherever it lies and however it is split.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    /// How the samples were divided.
    pub fn split(&self) -> &Split {
        &self.division.split
    }

    /// Numbers of the samples of a subset, in the order of the source's reading.
    pub fn indices(&self, subset: Subset) -> &[u32] {
        self.division.indices(subset)
    }

    /// Number of samples in a subset.
    pub fn len(&self, subset: Subset) -> usize {
        self.indices(subset).len()
    }

    /// Whether a subset has no samples.
    pub fn is_empty(&self, subset: Subset) -> bool {
        self.len(subset) == 0
    }

    /// Writes a sample to `out`, which must hold `features().len()` values: raw, not normalised (pixels 0 to 255),
    /// channels last. Panics if `index` is not below `len(subset)`.
    pub fn read(&self, subset: Subset, index: usize, out: &mut [f32]) {
        let row = self.indices(subset)[index] as usize;
        match &self.encoder {
            Some(encoder) => encoder.encode(self.store.floats(row), out),
            None => self.store.read(row, out),
        }
    }

    /// Class index, or the target in the units of the source. Panics if `index` is not below `len(subset)`.
    pub fn label(&self, subset: Subset, index: usize) -> f32 {
        self.labels[self.indices(subset)[index] as usize]
    }

    /// Means and standard deviations of the training part.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Whether samples are stored as bytes.
    pub fn is_bytes(&self) -> bool {
        self.store.element() == Element::U8
    }

    /// Whether samples lie in a temporary file instead of memory.
    pub fn is_spilled(&self) -> bool {
        self.store.is_spilled()
    }

    /// The bytes of a sample, if [`Dataset::is_bytes`].
    pub(crate) fn bytes(&self, subset: Subset, index: usize) -> &[u8] {
        self.store.row(self.indices(subset)[index] as usize)
    }
}
