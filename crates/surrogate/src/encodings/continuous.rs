//! Weights in place of presence: of the edges, or of the paths, the so many with the largest weights are there.
//!
//! White, Neiswanger, Nolen and Savani, NeurIPS 2020, section 3: "continuous adjacency matrix" and "continuous path". Many vectors mean
//! one cell; [`Encoding::encode`] gives the one with weights of 0 and 1.

use super::{CellKind, Encoding, PathOneHot};
use rand::{Rng, RngExt};

/// Changes that are tried until one leads to another cell.
const TRIES: usize = 100;

/// For each edge a weight, then how many edges there are, then one bit for each edge and operator.
#[derive(Clone, Copy, Debug)]
pub struct AdjacencyContinuous;

impl AdjacencyContinuous {
    /// The cell of a vector: the edges with the largest weights (of equal ones the first) have the operator with the largest number among
    /// their bits, the others none. `None` for a vector of another length, or for a kind without an operator that is no edge.
    pub fn decode(&self, kind: &CellKind, code: &[f64]) -> Option<Vec<usize>> {
        let none = kind.none?;
        if code.len() != self.length(kind) {
            return None;
        }
        let (weights, rest) = code.split_at(kind.edges.len());
        let (count, bits) = rest.split_first()?;
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
        let mut cell = vec![none; weights.len()];
        for &edge in order.iter().take(count.round().max(0.0) as usize) {
            let bits = &bits[edge * kind.operators..][..kind.operators];
            let operators = (0..kind.operators).rev().filter(|operator| *operator != none);
            cell[edge] = operators.max_by(|&a, &b| bits[a].total_cmp(&bits[b]))?;
        }
        Some(cell)
    }
}

impl Encoding for AdjacencyContinuous {
    fn name(&self) -> &'static str {
        "adjacency-continuous"
    }
    fn length(&self, kind: &CellKind) -> usize {
        kind.edges.len() * (1 + kind.operators) + 1
    }
    fn encode(&self, kind: &CellKind, cell: &[usize]) -> Vec<f64> {
        let there = |operator: usize| kind.none != Some(operator);
        let weights = cell.iter().map(|&operator| f64::from(u8::from(there(operator))));
        let count = cell.iter().filter(|operator| there(**operator)).count() as f64;
        let bits = cell.iter().flat_map(|&operator| {
            (0..kind.operators).map(move |o| f64::from(u8::from(o == operator && there(operator))))
        });
        weights.chain([count]).chain(bits).collect()
    }
    /// Uniform weights, number of edges, at least one, and weights of the operators.
    fn sample(&self, kind: &CellKind, rng: &mut dyn Rng) -> Option<Vec<usize>> {
        let mut code: Vec<f64> = (0..self.length(kind)).map(|_| rng.random()).collect();
        code[kind.edges.len()] = rng.random_range(1..=kind.edges.len()) as f64;
        self.decode(kind, &code)
    }
    /// Of the vectors that mean the cell a random one, with a new weight of an edge, number of edges, or operator.
    fn perturb(&self, kind: &CellKind, cell: &[usize], rng: &mut dyn Rng) -> Option<Vec<usize>> {
        let edges = kind.edges.len();
        for _ in 0..TRIES {
            let mut code = self.encode(kind, cell);
            code[..edges].iter_mut().for_each(|weight| *weight = 0.5 * (*weight + rng.random::<f64>()));
            match rng.random_range(0..=2 * edges) {
                edge if edge < edges => code[edge] = rng.random(),
                at if at == edges => code[at] = rng.random_range(0..=edges) as f64,
                at => {
                    let bits = edges + 1 + (at - edges - 1) * kind.operators;
                    code[bits..][..kind.operators].iter_mut().for_each(|bit| *bit = rng.random());
                }
            }
            let changed = self.decode(kind, &code)?;
            if changed != cell {
                return Some(changed);
            }
        }
        None
    }
}

/// For each word of operators that a path could be a weight, then how many different words there are.
#[derive(Clone, Copy, Debug)]
pub struct PathContinuous;

impl Encoding for PathContinuous {
    fn name(&self) -> &'static str {
        "path-continuous"
    }
    fn length(&self, kind: &CellKind) -> usize {
        PathOneHot { truncated: None }.length(kind) + 1
    }
    fn encode(&self, kind: &CellKind, cell: &[usize]) -> Vec<f64> {
        let mut code = PathOneHot { truncated: None }.encode(kind, cell);
        code.push(code.iter().sum());
        code
    }
}
