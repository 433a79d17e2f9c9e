//! What is known about a value before anything runs.

use std::fmt;

/// Largest number of elements that one sample of one value may have (16 Gi floats are no network that fits anywhere).
const MAX_ELEMENTS: usize = 1 << 34;

/// Shape of one sample of a value, channels last, float32.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fact {
    shape: Vec<usize>,
}

impl Fact {
    /// A fact of this shape; `None` if an axis is empty or the size is beyond all reason.
    pub fn new(shape: &[usize]) -> Option<Self> {
        let size = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))?;
        (!shape.is_empty() && size > 0 && size <= MAX_ELEMENTS).then(|| Self { shape: shape.to_vec() })
    }

    /// Axes without the batch.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements of one sample.
    #[allow(clippy::len_without_is_empty)] // a fact is never empty
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes of one sample.
    pub fn bytes(&self) -> u64 {
        4 * self.len() as u64
    }

    /// Size of the last axis.
    pub fn channels(&self) -> usize {
        self.shape[self.shape.len() - 1]
    }

    /// The axes before the last: `[height, width]`, `[steps]` or none.
    pub fn spatial(&self) -> &[usize] {
        &self.shape[..self.shape.len() - 1]
    }
}

impl fmt::Debug for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shape)
    }
}
