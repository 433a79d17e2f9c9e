//! The paths from the input to the output, each a word of operators.

use super::{CellKind, Encoding};

/// One bit for each word of operators that a path could be, up to the longest path (or `truncated` operators); set if a path is that
/// word. Words are sorted by length.
#[derive(Clone, Copy, Debug)]
pub struct PathOneHot {
    /// Longest word that has a bit.
    pub truncated: Option<usize>,
}

impl PathOneHot {
    fn longest(&self, kind: &CellKind) -> usize {
        let longest = kind.paths().iter().map(Vec::len).max().unwrap_or(0);
        self.truncated.map_or(longest, |most| most.min(longest))
    }
}

impl Encoding for PathOneHot {
    fn name(&self) -> &'static str {
        if self.truncated.is_some() { "path-one-hot-truncated" } else { "path-one-hot" }
    }
    fn length(&self, kind: &CellKind) -> usize {
        words(kind.operators, self.longest(kind))
    }
    fn encode(&self, kind: &CellKind, cell: &[usize]) -> Vec<f64> {
        let mut code = vec![0.0; self.length(kind)];
        for path in kind.paths() {
            if let Some(bit) = code.get_mut(number(kind, cell, &path)) {
                *bit = 1.0;
            }
        }
        code
    }
}

/// The number of the word of each path of at most `truncated` operators.
#[derive(Clone, Copy, Debug)]
pub struct PathCategorical {
    /// Longest path that has a number.
    pub truncated: Option<usize>,
}

impl PathCategorical {
    fn paths(&self, kind: &CellKind) -> Vec<Vec<usize>> {
        let mut paths = kind.paths();
        paths.retain(|path| self.truncated.is_none_or(|most| path.len() <= most));
        paths
    }
}

impl Encoding for PathCategorical {
    fn name(&self) -> &'static str {
        if self.truncated.is_some() { "path-categorical-truncated" } else { "path-categorical" }
    }
    fn length(&self, kind: &CellKind) -> usize {
        self.paths(kind).len()
    }
    fn encode(&self, kind: &CellKind, cell: &[usize]) -> Vec<f64> {
        self.paths(kind).iter().map(|path| number(kind, cell, path) as f64).collect()
    }
}

/// Number of words of 1 to `longest` operators.
fn words(operators: usize, longest: usize) -> usize {
    (1..=longest as u32).map(|length| operators.pow(length)).sum()
}

/// The number of a path's word: shorter words first, then as numbers whose first operator counts most.
fn number(kind: &CellKind, cell: &[usize], path: &[usize]) -> usize {
    let word = path.iter().fold(0, |number, &edge| number * kind.operators + cell[edge]);
    words(kind.operators, path.len() - 1) + word
}
