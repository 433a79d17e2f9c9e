//! Where formats put the samples that they decode.

use crate::error::DataError;
use crate::features::{Features, TaskKind};
use crate::labels::{Label, Labels};
use crate::store::{Element, Store, StoreBuilder};
use std::path::{Path, PathBuf};

/// Most values that one sample may have.
pub(crate) const MAX_SAMPLE: u64 = 1 << 26;

/// The part of the source that a sample comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The training part, or a source without parts.
    Train,
    /// The source's own test part.
    Test,
}

/// Collects samples of one shape with their labels and parts.
pub struct Sink {
    path: PathBuf,
    features: Features,
    builder: StoreBuilder,
    /// Labels so far.
    pub labels: Labels,
    test: Vec<bool>,
    /// What the user should know about how the source was read.
    pub notes: Vec<String>,
    row: Vec<u8>,
}

/// All decoded samples of a source.
pub struct Decoded {
    pub(crate) features: Features,
    pub(crate) store: Store,
    pub(crate) labels: Labels,
    pub(crate) test: Vec<bool>,
    pub(crate) notes: Vec<String>,
}

impl Sink {
    /// An empty sink for samples of the shape of `features`; refuses shapes that are empty or too large.
    pub fn new(
        path: &Path,
        features: Features,
        element: Element,
        kind: Option<TaskKind>,
        memory_limit: u64,
    ) -> Result<Self, DataError> {
        let width = check_shape(path, &features.shape())?;
        Ok(Self {
            path: path.into(),
            features,
            builder: StoreBuilder::new(element, width, memory_limit),
            labels: Labels::new("target", kind),
            test: Vec::new(),
            notes: Vec::new(),
            row: Vec::new(),
        })
    }

    /// Number of samples so far.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.test.len()
    }

    /// Number of values of one sample.
    pub fn width(&self) -> usize {
        self.builder.width()
    }

    /// Type of the values.
    pub fn element(&self) -> Element {
        self.builder.element()
    }

    /// Adds a sample of a U8 sink.
    pub fn push_bytes(&mut self, part: Part, label: Label<'_>, values: &[u8]) -> Result<(), DataError> {
        self.check_label(label)?;
        debug_assert_eq!(self.builder.element(), Element::U8);
        self.builder
            .push(values)
            .map_err(|error| DataError::Io { path: self.path.clone(), source: error })?;
        self.record(part, label)
    }

    /// Adds a sample of an F32 sink; refuses values that are not finite.
    pub fn push_floats(&mut self, part: Part, label: Label<'_>, values: &[f32]) -> Result<(), DataError> {
        if let Some(column) = values.iter().position(|v| !v.is_finite()) {
            return Err(self.not_finite(column.to_string(), values[column].to_string()));
        }
        self.push_raw(part, label, values)
    }

    /// Adds a sample of an F32 sink as it is.
    pub(crate) fn push_raw(&mut self, part: Part, label: Label<'_>, values: &[f32]) -> Result<(), DataError> {
        self.check_label(label)?;
        debug_assert_eq!(self.builder.element(), Element::F32);
        self.row.clear();
        self.row.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self.builder
            .push(&self.row)
            .map_err(|error| DataError::Io { path: self.path.clone(), source: error })?;
        self.record(part, label)
    }

    fn check_label(&self, label: Label<'_>) -> Result<(), DataError> {
        match label {
            Label::Number(value) if !(value as f32).is_finite() => {
                Err(self.not_finite("label".into(), value.to_string()))
            }
            _ => Ok(()),
        }
    }

    fn record(&mut self, part: Part, label: Label<'_>) -> Result<(), DataError> {
        let limit = u64::from(u32::MAX) - 1;
        if self.test.len() as u64 >= limit {
            let what = "the number of samples".into();
            return Err(DataError::TooLarge { path: self.path.clone(), what, got: limit + 1, limit });
        }
        self.labels.push(label);
        self.test.push(part == Part::Test);
        Ok(())
    }

    fn not_finite(&self, column: String, value: String) -> DataError {
        DataError::NotFinite { path: self.path.clone(), row: self.len() as u64 + 1, column, value }
    }

    /// Ends the collection; an empty one is an error.
    pub fn finish(self) -> Result<Decoded, DataError> {
        if self.test.is_empty() {
            return Err(DataError::empty(self.path, "at least one sample"));
        }
        let store = self.builder.finish().map_err(|source| DataError::Io { path: self.path, source })?;
        let Self { features, labels, test, notes, .. } = self;
        Ok(Decoded { features, store, labels, test, notes })
    }
}

/// The number of values of a shape, refused when an axis is 0 or the product exceeds [`MAX_SAMPLE`].
pub(crate) fn check_shape(path: &Path, shape: &[usize]) -> Result<usize, DataError> {
    let product = shape.iter().try_fold(1u64, |all, &axis| all.checked_mul(axis as u64)).unwrap_or(u64::MAX);
    match product {
        0 => Err(DataError::corrupt(path, "shape of a sample", "axes of at least 1", format!("{shape:?}"))),
        got if got > MAX_SAMPLE => {
            let what = "the number of values of a sample".into();
            Err(DataError::TooLarge { path: path.into(), what, got, limit: MAX_SAMPLE })
        }
        product => Ok(product as usize),
    }
}
