//! Other files, decoded as the training data was.

use crate::error::DataError;
use crate::features::Features;
use crate::formats::{Raw, Request, detect};
use crate::schema::Schema;
use crate::sink::Decoded;
use crate::source::Source;
use crate::store::Store;
use crate::table;
use std::path::Path;

const MEMORY_LIMIT: u64 = 4 << 30;

/// Samples to evaluate or predict, with labels where the source has them.
pub struct Samples {
    features: Features,
    store: Store,
    labels: Vec<f32>,
    indices: Vec<u32>,
}

/// Opens `path` the way the dataset of `schema` was opened. Where the source has a test part, only that is used.
///
/// Errors: those of [`crate::open`] for broken files, samples of another shape, missing columns, and a label that
/// training has not seen. Labels may be absent.
pub fn open_like(path: &str, schema: &Schema) -> Result<Samples, DataError> {
    let source = Source::new(path)?;
    let format = detect(&source)?;
    let request = Request { target: schema.target(), memory_limit: MEMORY_LIMIT, like: Some(schema) };
    let decoded = match format.read(&source, &request)? {
        Raw::Samples(decoded) => *decoded,
        Raw::Table(rows) if !schema.columns.is_empty() => table::read_like(&*rows, schema, MEMORY_LIMIT)?,
        Raw::Table(rows) => {
            let got = Features::Table { numbers: rows.columns().len(), categories: Vec::new() };
            return Err(incompatible(source.path(), schema, got));
        }
    };
    if decoded.features != schema.features {
        return Err(incompatible(source.path(), schema, decoded.features));
    }
    Samples::new(decoded, schema, source.path())
}

fn incompatible(path: &Path, schema: &Schema, got: Features) -> DataError {
    DataError::Incompatible { path: path.into(), expected: schema.features.clone(), got }
}

impl Samples {
    fn new(decoded: Decoded, schema: &Schema, path: &Path) -> Result<Self, DataError> {
        let Decoded { features, store, labels, test, .. } = decoded;
        let labels = labels.resolve_like(&schema.task, path)?;
        let own_test = test.contains(&true);
        let indices = (0..test.len() as u32).filter(|&i| test[i as usize] || !own_test).collect();
        Ok(Self { features, store, labels, indices })
    }

    /// Kind and shape of a sample.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is no sample; never, as an empty source is an error.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Writes a raw sample to `out`, which must hold `features().len()` values. Panics if `index` is not below `len`.
    pub fn read(&self, index: usize, out: &mut [f32]) {
        self.store.read(self.indices[index] as usize, out);
    }

    /// Class index or target; `None` where the source has no label. Panics if `index` is not below `len`.
    pub fn label(&self, index: usize) -> Option<f32> {
        Some(self.labels[self.indices[index] as usize]).filter(|label| !label.is_nan())
    }
}
