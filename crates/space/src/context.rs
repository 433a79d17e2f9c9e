//! What a network must fit.

use crate::SpaceError;

/// The data and the task: what comes in, what must come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Shape of one sample, channels last: `[height, width, channels]`, `[steps, channels]` or `[features]`.
    pub input: Vec<usize>,
    /// Of a table, number of codes of each category column. The last `categories.len()` features are category codes, all
    /// before are numbers.
    pub categories: Vec<usize>,
    /// Numbers that the network answers: classes, or targets of a regression.
    pub outputs: usize,
    /// Whether the outputs are numbers in raw units (`true`) or class scores before softmax (`false`).
    pub regression: bool,
    /// Training samples.
    pub samples: usize,
}

/// What kind of data a shape means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// `[height, width, channels]`
    Image,
    /// `[steps, channels]`
    Series,
    /// `[features]`
    Table,
}

impl Context {
    /// Images to be classified.
    pub fn image(height: usize, width: usize, channels: usize, classes: usize) -> Self {
        Self::of(&[height, width, channels], classes)
    }

    /// Series to be classified.
    pub fn series(steps: usize, channels: usize, classes: usize) -> Self {
        Self::of(&[steps, channels], classes)
    }

    /// Table rows of numbers to be classified.
    pub fn table(features: usize, classes: usize) -> Self {
        Self::of(&[features], classes)
    }

    fn of(input: &[usize], outputs: usize) -> Self {
        Self { input: input.to_vec(), categories: Vec::new(), outputs, regression: false, samples: 10_000 }
    }

    /// The same with the last columns as category codes.
    pub fn with_categories(mut self, categories: &[usize]) -> Self {
        self.categories = categories.to_vec();
        self
    }

    /// The same as a regression.
    pub fn with_regression(mut self) -> Self {
        self.regression = true;
        self
    }

    /// Kind of data.
    ///
    /// # Errors
    /// See [`check`](Self::check).
    pub fn shape(&self) -> Result<Shape, SpaceError> {
        match self.input.len() {
            1 => Ok(Shape::Table),
            2 => Ok(Shape::Series),
            3 => Ok(Shape::Image),
            _ => {
                Err(wrong("input", "[height, width, channels], [steps, channels] or [features]", &self.input))
            }
        }
    }

    /// Number of spatial axes: 2 for images, 1 for series, 0 for tables.
    pub fn axes(&self) -> usize {
        self.input.len().saturating_sub(1)
    }

    /// Whether a network can exist for this data.
    ///
    /// # Errors
    /// Which part cannot be, and what it may be.
    pub fn check(&self) -> Result<(), SpaceError> {
        let shape = self.shape()?;
        let size = self.input.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if !size.is_some_and(|n| (1..=1 << 28).contains(&n)) {
            return Err(wrong("input", "axes of at least 1 and at most 268,435,456 values", &self.input));
        }
        if !(1..=1 << 20).contains(&self.outputs) {
            return Err(wrong("outputs", "1 to 1,048,576", self.outputs));
        }
        let columns = if shape == Shape::Table { self.input[0] } else { 0 };
        if self.categories.len() > columns {
            let expected = format!("at most {columns} category columns (only tables have any)");
            return Err(wrong("categories", &expected, self.categories.len()));
        }
        if self.categories.iter().any(|n| !(1..=1 << 24).contains(n)) {
            return Err(wrong("categories", "1 to 16,777,216 codes in each column", &self.categories));
        }
        Ok(())
    }
}

fn wrong(field: &'static str, expected: &str, got: impl std::fmt::Debug) -> SpaceError {
    SpaceError::Context { field, expected: expected.to_owned(), got: format!("{got:?}") }
}
