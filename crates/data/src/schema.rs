//! How a source was decoded, so that other files can be decoded the same way.

use crate::features::{Features, Task};
use serde::{Deserialize, Serialize};

/// All that is needed to decode other files as the training data was decoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Name of the format of the training data.
    pub format: String,
    /// Kind and shape of a sample.
    pub features: Features,
    /// What is predicted.
    pub task: Task,
    /// Columns of a table in the order of the source; empty for everything else.
    #[serde(default)]
    pub columns: Vec<Column>,
    /// Whether the table's columns have names; without, they are named by their position, from "0".
    #[serde(default)]
    pub header: bool,
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its use.
    pub kind: ColumnKind,
}

/// What a column of a table is used for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// A number.
    Number {
        /// Mean over the training rows, which stands in for missing values.
        mean: f32,
        /// Whether a 0/1 column says where the value was missing.
        indicator: bool,
    },
    /// A category; the code of `values[i]` is `i + 1`, that of everything else 0.
    Category {
        /// Values with a code of their own, sorted.
        values: Vec<String>,
    },
    /// What is predicted.
    Target,
    /// Left out.
    Ignored,
}

impl Schema {
    /// Name of the target column of a table.
    pub fn target(&self) -> Option<&str> {
        self.columns.iter().find(|c| c.kind == ColumnKind::Target).map(|c| c.name.as_str())
    }
}
