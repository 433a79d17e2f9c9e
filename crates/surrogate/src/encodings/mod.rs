//! Architectures as vectors.
//!
//! White, Neiswanger, Nolen and Savani: "A Study on Encodings for Neural Architecture Search", NeurIPS 2020. [`ENCODINGS`] holds those of
//! cells with an operator on each edge; [`Paths`] carries the encoding by paths over to any [`Dag`](crate::Dag).

mod adjacency;
mod continuous;
mod path;
mod paths_of_graphs;

pub use adjacency::{AdjacencyCategorical, AdjacencyOneHot};
pub use continuous::{AdjacencyContinuous, PathContinuous};
pub use path::{PathCategorical, PathOneHot};
pub use paths_of_graphs::Paths;

use rand::Rng;
use std::fmt;

/// A kind of cells: nodes from 0 (the input) to the last (the output), edges between them, and a number of operators, one of which is on
/// each edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellKind {
    /// Edges, from an earlier to a later node.
    pub edges: Vec<(usize, usize)>,
    /// Number of operators.
    pub operators: usize,
    /// The operator that stands for no edge.
    pub none: Option<usize>,
}

impl CellKind {
    /// Cells of NAS-Bench-201: four nodes, six edges, five operators, of which the first is none.
    pub fn nas_bench_201() -> Self {
        Self { edges: vec![(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)], operators: 5, none: Some(0) }
    }

    fn output(&self) -> usize {
        self.edges.iter().map(|e| e.1).max().unwrap_or(0)
    }

    /// The edges of every path from input to output, the shorter paths first.
    fn paths(&self) -> Vec<Vec<usize>> {
        let mut open: Vec<(usize, Vec<usize>)> = vec![(0, Vec::new())];
        let mut paths = Vec::new();
        while !open.is_empty() {
            let (whole, rest) = open.into_iter().partition(|(at, _)| *at == self.output());
            let whole: Vec<(usize, Vec<usize>)> = whole;
            paths.extend(whole.into_iter().map(|(_, path)| path));
            let rest: Vec<(usize, Vec<usize>)> = rest;
            open = rest.into_iter().flat_map(|(at, path)| self.longer(at, &path)).collect();
        }
        paths
    }

    fn longer(&self, at: usize, path: &[usize]) -> Vec<(usize, Vec<usize>)> {
        let leaving = self.edges.iter().enumerate().filter(|(_, edge)| edge.0 == at);
        leaving.map(|(i, edge)| (edge.1, [path, &[i]].concat())).collect()
    }
}

/// A vector of one length for each cell of a kind. A cell is the operator of each edge, in the order of the kind's edges.
pub trait Encoding: Sync + fmt::Debug {
    /// Name.
    fn name(&self) -> &'static str;

    /// Length of the vectors.
    fn length(&self, kind: &CellKind) -> usize;

    /// The vector of a cell whose operators are those of the kind.
    fn encode(&self, kind: &CellKind, cell: &[usize]) -> Vec<f64>;

    /// A cell drawn at random feature by feature; `None` where features do not say which cell they mean.
    fn sample(&self, _kind: &CellKind, _rng: &mut dyn Rng) -> Option<Vec<usize>> {
        None
    }

    /// Another cell, after a random change of one feature; `None` as for [`sample`](Self::sample).
    fn perturb(&self, _kind: &CellKind, _cell: &[usize], _rng: &mut dyn Rng) -> Option<Vec<usize>> {
        None
    }
}

/// All encodings of cells, each with up to three uses (section 3.1): to draw cells, to change one, and to train a predictor on; the truncated ones keep the shorter half of the words of a cell with paths of up to three operators.
pub static ENCODINGS: &[&dyn Encoding] = &[
    &AdjacencyOneHot,
    &AdjacencyCategorical,
    &AdjacencyContinuous,
    &PathOneHot { truncated: None },
    &PathCategorical { truncated: None },
    &PathContinuous,
    &PathOneHot { truncated: Some(2) },
    &PathCategorical { truncated: Some(2) },
];

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::HashSet;

    fn all(kind: &CellKind) -> impl Iterator<Item = Vec<usize>> {
        let (edges, operators) = (kind.edges.len() as u32, kind.operators);
        (0..operators.pow(edges)).map(move |i| (0..edges).map(|e| i / operators.pow(e) % operators).collect())
    }

    #[test]
    fn lengths_are_those_of_the_paper() {
        let kind = CellKind::nas_bench_201();
        let lengths: Vec<usize> = ENCODINGS.iter().map(|e| e.length(&kind)).collect();
        assert_eq!(lengths, [30, 6, 37, 155, 4, 156, 30, 3]);
        for cell in all(&kind).step_by(37) {
            ENCODINGS.iter().for_each(|e| assert_eq!(e.encode(&kind, &cell).len(), e.length(&kind)));
        }
    }

    #[test]
    fn adjacency_comes_back_and_all_encodings_tell_all_cells_apart() {
        let kind = CellKind::nas_bench_201();
        let mut codes: Vec<HashSet<String>> = vec![HashSet::new(); ENCODINGS.len()];
        for cell in all(&kind) {
            assert_eq!(
                AdjacencyOneHot.decode(&kind, &AdjacencyOneHot.encode(&kind, &cell)),
                Some(cell.clone())
            );
            assert_eq!(
                AdjacencyContinuous.decode(&kind, &AdjacencyContinuous.encode(&kind, &cell)),
                Some(cell.clone())
            );
            for (codes, encoding) in codes.iter_mut().zip(ENCODINGS) {
                codes.insert(format!("{:?}", encoding.encode(&kind, &cell)));
            }
        }
        // The path over both inner nodes tells which of the two paths of two edges is which; truncated codes lack it, and the
        // one-hot one has those two paths as a set: 5 direct ones by 25 + 25 * 24 / 2 sets.
        let different: Vec<usize> = codes.iter().map(HashSet::len).collect();
        assert_eq!(different, [15_625, 15_625, 15_625, 15_625, 15_625, 15_625, 1625, 3125]);
        assert_eq!(AdjacencyOneHot.decode(&kind, &[0.0; 30]), None);
    }

    #[test]
    fn the_edges_with_the_largest_weights_are_there() {
        let kind = CellKind::nas_bench_201();
        let mut code = AdjacencyContinuous.encode(&kind, &[1, 2, 3, 4, 1, 2]);
        code[..7].copy_from_slice(&[0.1, 0.9, 0.5, 0.9, 0.0, 0.4, 3.0]);
        assert_eq!(AdjacencyContinuous.decode(&kind, &code), Some(vec![0, 2, 3, 4, 0, 0]));
        code[6] = 0.2;
        assert_eq!(AdjacencyContinuous.decode(&kind, &code), Some(vec![0; 6]));
        assert_eq!(AdjacencyContinuous.decode(&kind, &code[1..]), None);
    }

    #[test]
    fn cells_are_drawn_and_changed_in_one_feature() {
        let kind = CellKind::nas_bench_201();
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
        let mut able = Vec::new();
        for encoding in ENCODINGS {
            let Some(mut cell) = encoding.sample(&kind, &mut rng) else { continue };
            let mut seen = HashSet::new();
            for _ in 0..3000 {
                let before = std::mem::take(&mut cell);
                cell = encoding.perturb(&kind, &before, &mut rng).unwrap();
                assert!(cell != before && cell.len() == 6 && cell.iter().all(|o| *o < 5));
                seen.insert(cell.clone());
            }
            // A walk of single changes leads almost always to a cell where it has not been.
            assert!(seen.len() > 500, "{}: {}", encoding.name(), seen.len());
            able.push(encoding.name());
        }
        assert_eq!(
            able,
            [
                "adjacency-one-hot",
                "adjacency-categorical",
                "adjacency-continuous",
                "path-one-hot",
                "path-categorical"
            ]
        );
        // A path more is the direct one, or brings the edges that it lacks; a path less lacks one of its edges.
        let paths = PathOneHot { truncated: None };
        for _ in 0..200 {
            let after = paths.perturb(&kind, &[1, 0, 0, 0, 0, 0], &mut rng).unwrap();
            assert!(after[0] == 1 && after.iter().filter(|o| **o != 0).count() >= 2, "{after:?}");
            let after = paths.perturb(&kind, &[0, 0, 0, 4, 0, 0], &mut rng).unwrap();
            assert!(after[3] == 4 || after == [0; 6], "{after:?}");
        }
    }

    #[test]
    fn the_path_encoding_marks_the_paths() {
        let kind = CellKind::nas_bench_201();
        // Direct 4; over node 1: 0 then 3; over node 2: 1 then 2; over both: 0, 1, 2.
        let code = PathOneHot { truncated: None }.encode(&kind, &[0, 1, 1, 4, 3, 2]);
        let marked: Vec<usize> = (0..155).filter(|&i| code[i] == 1.0).collect();
        assert_eq!(marked, [4, 5 + 3, 5 + 5 + 2, 30 + 5 + 2]);
    }
}
