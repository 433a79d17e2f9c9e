//! What a sample is made of, what is to be predicted, and which part of the data is meant.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The kind and shape of one sample. The layout is always channels last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Features {
    /// A picture, stored as `[height, width, channels]`.
    Image {
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
        /// Values of each pixel: 1 grey, 3 colour.
        channels: usize,
    },
    /// A time series, stored as `[steps, channels]`; shorter series are padded with zeros at the end.
    Series {
        /// Points in time.
        steps: usize,
        /// Values at each point in time.
        channels: usize,
    },
    /// A row of a table: the numbers, then one code for each category.
    Table {
        /// Numeric values of a row: one for each numeric column (missing values filled with the training mean),
        /// then one 0/1 indicator for each numeric column that has missing values in training.
        numbers: usize,
        /// For each categorical column its number of codes; code 0 stands for missing, rare and unknown values.
        categories: Vec<usize>,
    },
}

impl Features {
    /// Shape of one sample: `[height, width, channels]`, `[steps, channels]` or `[numbers + categories]`.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Self::Image { height, width, channels } => vec![*height, *width, *channels],
            Self::Series { steps, channels } => vec![*steps, *channels],
            Self::Table { numbers, categories } => vec![numbers + categories.len()],
        }
    }

    /// Number of values in one sample.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        match self {
            Self::Image { height, width, channels } => height * width * channels,
            Self::Series { steps, channels } => steps * channels,
            Self::Table { numbers, categories } => numbers + categories.len(),
        }
    }

    /// Length of the last axis: channels, or columns of a table. Statistics have one entry for each.
    pub fn last_axis(&self) -> usize {
        match self {
            Self::Image { channels, .. } | Self::Series { channels, .. } => *channels,
            Self::Table { numbers, categories } => numbers + categories.len(),
        }
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { height, width, channels } => write!(f, "images {height}x{width}x{channels}"),
            Self::Series { steps, channels } => write!(f, "series of {steps} steps x {channels} channels"),
            Self::Table { numbers, categories } => {
                write!(f, "rows of {numbers} numbers and {} categories", categories.len())
            }
        }
    }
}

/// What is to be predicted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of several classes; a label is an index into `classes`.
    Classification {
        /// Class names, sorted: numerically if all are numbers, else as text.
        classes: Vec<String>,
    },
    /// One number, in the units of the source.
    Regression {
        /// Name of the target.
        target: String,
    },
}

impl Task {
    /// Numbers that a network puts out for one sample: one for each class, or 1.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Classification { classes } => classes.len(),
            Self::Regression { .. } => 1,
        }
    }

    /// The kind of this task.
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::Classification { .. } => TaskKind::Classification,
            Self::Regression { .. } => TaskKind::Regression,
        }
    }
}

/// The kind of a [`Task`], without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Predict a class.
    Classification,
    /// Predict a number.
    Regression,
}

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subset {
    /// What weights are fitted to; statistics and codes come from here only.
    Train,
    /// What candidates are compared on.
    Valid,
    /// What the final network is judged on, once.
    Test,
    /// `Train` followed by `Valid`, for the final training.
    Fit,
}
