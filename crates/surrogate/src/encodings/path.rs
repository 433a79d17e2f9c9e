//! The paths from the input to the output, each a word of operators.

use super::adjacency::drawn;
use super::{CellKind, Encoding};
use rand::{Rng, RngExt};

/// One bit for each word of operators that a path could be, up to the longest path (or `truncated` operators); set if a path is that
/// word. Words are sorted by length.
#[derive(Clone, Copy, Debug)]
pub struct PathOneHot {
    /// Longest word that has a bit.
    pub truncated: Option<usize>,
}

impl PathOneHot {
    /// The operator that a path must not have, where paths may come and go.
    fn none(&self, kind: &CellKind) -> Option<usize> {
        kind.none.filter(|_| self.truncated.is_none() && kind.operators > 1)
    }

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
    /// A cell without edges to which a number of paths are added, at least one.
    fn sample(&self, kind: &CellKind, rng: &mut dyn Rng) -> Option<Vec<usize>> {
        let (none, paths) = (self.none(kind)?, kind.paths());
        let mut cell = vec![none; kind.edges.len()];
        for _ in 0..rng.random_range(1..=paths.len()) {
            match pick(paths.iter().filter(|path| !is_there(&cell, path, none)), rng) {
                Some(path) => add(kind, &mut cell, path, none, rng),
                None => break,
            }
        }
        Some(cell)
    }
    /// A path less, which loses one of its edges, or a path more.
    fn perturb(&self, kind: &CellKind, cell: &[usize], rng: &mut dyn Rng) -> Option<Vec<usize>> {
        let (none, paths) = (self.none(kind)?, kind.paths());
        let mut cell = cell.to_vec();
        let (there, absent): (Vec<_>, Vec<_>) = paths.iter().partition(|path| is_there(&cell, path, none));
        let more = there.is_empty() || !absent.is_empty() && rng.random_bool(0.5);
        match more {
            true => add(kind, &mut cell, pick(absent.into_iter(), rng)?, none, rng),
            false => cell[*pick(pick(there.into_iter(), rng)?.iter(), rng)?] = none,
        }
        Some(cell)
    }
}

/// Whether all edges of a path are.
fn is_there(cell: &[usize], path: &[usize], none: usize) -> bool {
    path.iter().all(|&edge| cell[edge] != none)
}

/// Puts operators on the edges that a path lacks.
fn add(kind: &CellKind, cell: &mut [usize], path: &[usize], none: usize, rng: &mut dyn Rng) {
    for &edge in path.iter() {
        while cell[edge] == none {
            cell[edge] = rng.random_range(0..kind.operators);
        }
    }
}

fn pick<T>(items: impl Iterator<Item = T>, rng: &mut dyn Rng) -> Option<T> {
    let mut items: Vec<T> = items.collect();
    (!items.is_empty()).then(|| items.swap_remove(rng.random_range(0..items.len())))
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
    /// Any word for every path, each edge by that of the last path over it.
    fn sample(&self, kind: &CellKind, rng: &mut dyn Rng) -> Option<Vec<usize>> {
        self.truncated.is_none().then(|| drawn(kind, rng))
    }
    /// Another word for one path.
    fn perturb(&self, kind: &CellKind, cell: &[usize], rng: &mut dyn Rng) -> Option<Vec<usize>> {
        let path = pick(kind.paths().into_iter().filter(|_| self.truncated.is_none()), rng)?;
        let mut changed = cell.to_vec();
        while changed == cell && kind.operators > 1 {
            path.iter().for_each(|&edge| changed[edge] = rng.random_range(0..kind.operators));
        }
        Some(changed)
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
