//! The operators of the edges.

use super::{CellKind, Encoding};
use rand::{Rng, RngExt};

/// One bit for each edge and operator.
#[derive(Clone, Copy, Debug)]
pub struct AdjacencyOneHot;

impl AdjacencyOneHot {
    /// The cell of a vector; `None` unless it has exactly one operator on each edge.
    pub fn decode(&self, kind: &CellKind, code: &[f64]) -> Option<Vec<usize>> {
        let operator = |bits: &[f64]| {
            let at = bits.iter().position(|b| *b == 1.0)?;
            bits.iter().enumerate().all(|(i, b)| i == at || *b == 0.0).then_some(at)
        };
        let whole = code.len() == self.length(kind);
        if whole { code.chunks(kind.operators).map(operator).collect() } else { None }
    }
}

impl Encoding for AdjacencyOneHot {
    fn name(&self) -> &'static str {
        "adjacency-one-hot"
    }
    fn length(&self, kind: &CellKind) -> usize {
        kind.edges.len() * kind.operators
    }
    fn encode(&self, kind: &CellKind, cell: &[usize]) -> Vec<f64> {
        let bits =
            |operator: &usize| (0..kind.operators).map(|o| f64::from(u8::from(o == *operator))).collect();
        cell.iter().flat_map(|operator| -> Vec<f64> { bits(operator) }).collect()
    }
    fn sample(&self, kind: &CellKind, rng: &mut dyn Rng) -> Option<Vec<usize>> {
        Some(drawn(kind, rng))
    }
    fn perturb(&self, kind: &CellKind, cell: &[usize], rng: &mut dyn Rng) -> Option<Vec<usize>> {
        another_operator(kind, cell, rng)
    }
}

/// The number of the operator of each edge.
#[derive(Clone, Copy, Debug)]
pub struct AdjacencyCategorical;

impl Encoding for AdjacencyCategorical {
    fn name(&self) -> &'static str {
        "adjacency-categorical"
    }
    fn length(&self, kind: &CellKind) -> usize {
        kind.edges.len()
    }
    fn encode(&self, _: &CellKind, cell: &[usize]) -> Vec<f64> {
        cell.iter().map(|operator| *operator as f64).collect()
    }
    fn sample(&self, kind: &CellKind, rng: &mut dyn Rng) -> Option<Vec<usize>> {
        Some(drawn(kind, rng))
    }
    fn perturb(&self, kind: &CellKind, cell: &[usize], rng: &mut dyn Rng) -> Option<Vec<usize>> {
        another_operator(kind, cell, rng)
    }
}

/// Any operator on each edge.
pub(super) fn drawn(kind: &CellKind, rng: &mut dyn Rng) -> Vec<usize> {
    kind.edges.iter().map(|_| rng.random_range(0..kind.operators)).collect()
}

/// Another operator on one edge; `None` if there is no other.
fn another_operator(kind: &CellKind, cell: &[usize], rng: &mut dyn Rng) -> Option<Vec<usize>> {
    let others = kind.operators.checked_sub(1).filter(|n| *n > 0 && !cell.is_empty())?;
    let mut cell = cell.to_vec();
    let edge = rng.random_range(0..cell.len());
    cell[edge] = (cell[edge] + 1 + rng.random_range(0..others)) % kind.operators;
    Some(cell)
}
