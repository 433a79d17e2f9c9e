//! The Weisfeiler-Lehman subtree kernel.
//!
//! Shervashidze et al.: "Weisfeiler-Lehman Graph Kernels", JMLR 2011; Ru, Wan, Dong and Osborne: "Interpretable Neural Architecture
//! Search via Bayesian Optimisation with Weisfeiler-Lehman Kernels" (NAS-BOWL), ICLR 2021, section 3.

use crate::{Comparison, Dag, Family, Kernel, KernelProcess};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Deepest refinement that is tried.
const DEEPEST: usize = 4;
/// Squared lengths of radial kernels that are tried, in squared counts.
const SQUARES: [f64; 6] = [4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// How often each subtree pattern occurs in a graph. The pattern of a node at depth 0 is its label, at depth `l` its label with the
/// patterns of depth `l - 1` of the nodes that it reads, in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// For each depth the patterns, ascending, and their counts.
    depths: Vec<Vec<(u64, f64)>>,
    /// For each depth the sum of squared counts up to it.
    squares: Vec<f64>,
}

impl Features {
    /// The patterns of a graph, of all depths that a [`WeisfeilerLehman`] may use.
    pub fn of(dag: &Dag) -> Self {
        let depths: Vec<Vec<(u64, f64)>> = patterns(dag).into_iter().map(counted).collect();
        let mut sum = 0.0;
        let squares = depths.iter().map(|depth| {
            sum += product(depth, depth);
            sum
        });
        Self { squares: squares.collect(), depths }
    }

    /// Patterns of a depth and their counts.
    pub fn at(&self, depth: usize) -> &[(u64, f64)] {
        &self.depths[depth]
    }

    /// The kernel up to a depth, 1 for equal graphs: the cosine between the vectors of counts.
    pub fn kernel(&self, other: &Self, depth: usize) -> f64 {
        self.product(other, depth) / self.norm(depth) / other.norm(depth)
    }

    /// The scalar product of the vectors of counts up to a depth.
    fn product(&self, other: &Self, depth: usize) -> f64 {
        self.depths.iter().zip(&other.depths).take(depth + 1).map(|(a, b)| product(a, b)).sum()
    }

    /// Length of the vector of counts up to a depth.
    pub(crate) fn norm(&self, depth: usize) -> f64 {
        self.squares[depth].sqrt()
    }
}

/// For each depth, the pattern of each node.
pub(crate) fn patterns(dag: &Dag) -> Vec<Vec<u64>> {
    let own: Vec<u64> = dag.labels().iter().map(|label| xxh3_64(label.as_bytes())).collect();
    let mut depths = vec![own.clone()];
    for depth in 1..=DEEPEST {
        let before = &depths[depth - 1];
        let refined = own.iter().zip(dag.inputs()).map(|(own, inputs)| {
            let mut read: Vec<u64> = inputs.iter().map(|&input| before[input]).collect();
            read.sort_unstable();
            let mut hash = Xxh3::with_seed(depth as u64);
            [*own].iter().chain(&read).for_each(|pattern| hash.update(&pattern.to_le_bytes()));
            hash.digest()
        });
        let refined = refined.collect();
        depths.push(refined);
    }
    depths
}

fn counted(mut patterns: Vec<u64>) -> Vec<(u64, f64)> {
    patterns.sort_unstable();
    patterns.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len() as f64)).collect()
}

fn product(a: &[(u64, f64)], b: &[(u64, f64)]) -> f64 {
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    while i < a.len() && j < b.len() {
        if a[i].0 == b[j].0 {
            sum += a[i].1 * b[j].1;
        }
        let (from, to) = (a[i].0, b[j].0);
        i += usize::from(from <= to);
        j += usize::from(to <= from);
    }
    sum
}

/// The kernel with patterns up to a depth: the cosine between the vectors of counts, or with a squared length `s` the radial kernel
/// `exp(-d / 2 s)` of their squared distance `d`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeisfeilerLehman {
    depth: usize,
    square: Option<f64>,
}

impl WeisfeilerLehman {
    /// The cosine with patterns up to this depth, at most 4.
    pub fn cosine(depth: usize) -> Self {
        Self { depth: depth.min(DEEPEST), square: None }
    }

    /// Depth of the patterns.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// From the cosine up to the depth, or the squared distance.
    fn of(&self, cosine: f64, distance: f64) -> f64 {
        self.square.map_or(cosine, |square| (-0.5 * distance / square).exp())
    }
}

impl Kernel for WeisfeilerLehman {
    type Point = Features;

    fn value(&self, a: &Features, b: &Features) -> f64 {
        let depth = self.depth;
        let common = a.product(b, depth);
        self.of(common / a.norm(depth) / b.norm(depth), a.squares[depth] + b.squares[depth] - 2.0 * common)
    }
}

impl Family for WeisfeilerLehman {
    fn point(dag: &Dag) -> Features {
        Features::of(dag)
    }

    /// The cosine for each depth, then the squared distance for each.
    fn compare(a: &Features, b: &Features) -> Comparison {
        let mut comparison = Comparison::default();
        let mut sum = 0.0;
        for (depth, (one, other)) in a.depths.iter().zip(&b.depths).enumerate() {
            sum += product(one, other);
            comparison[depth] = sum / a.norm(depth) / b.norm(depth);
            comparison[depth + DEEPEST + 1] = a.squares[depth] + b.squares[depth] - 2.0 * sum;
        }
        comparison
    }

    fn compared(&self, comparison: &Comparison) -> f64 {
        self.of(comparison[self.depth], comparison[self.depth + DEEPEST + 1])
    }

    fn first() -> Self {
        Self::cosine(1)
    }

    fn variants(&self) -> Vec<Vec<Self>> {
        let squares = std::iter::once(None).chain(SQUARES.map(Some));
        vec![
            (0..=DEEPEST).map(|depth| Self { depth, ..*self }).collect(),
            squares.map(|square| Self { square, ..*self }).collect(),
        ]
    }
}

/// A Gaussian process over graphs.
pub type WlProcess = KernelProcess<WeisfeilerLehman>;

/// Whether the kernel of these graphs is positive semi-definite up to rounding.
#[cfg(test)]
fn semi_definite(features: &[std::sync::Arc<Features>], depth: usize) -> bool {
    crate::Cholesky::new(&WeisfeilerLehman::cosine(depth).gram(features), 1e-9).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use std::sync::Arc;

    fn dag(labels: &[&str], inputs: &[&[usize]]) -> Dag {
        Dag::new(
            labels.iter().map(|l| (*l).to_owned()).collect(),
            inputs.iter().map(|i| i.to_vec()).collect(),
        )
        .unwrap()
    }

    fn counts(features: &Features, depth: usize) -> Vec<u32> {
        let mut counts: Vec<u32> = features.at(depth).iter().map(|f| f.1 as u32).collect();
        counts.sort_unstable();
        counts
    }

    #[test]
    fn counts_equal_those_by_hand() {
        // in -> a, in -> a, (a, a) -> out. Depth 0: in 1, a 2, out 1; the same patterns at every depth.
        let diamond = Features::of(&dag(&["in", "a", "a", "out"], &[&[], &[0], &[0], &[1, 2]]));
        assert_eq!((counts(&diamond, 0), counts(&diamond, 1)), (vec![1, 1, 2], vec![1, 1, 2]));
        // in -> a -> a -> out. Depth 1 tells the two a apart: a(in), a(a).
        let chain = Features::of(&dag(&["in", "a", "a", "out"], &[&[], &[0], &[1], &[2]]));
        assert_eq!((counts(&chain, 0), counts(&chain, 1)), (vec![1, 1, 2], vec![1, 1, 1, 1]));
        assert!((diamond.kernel(&chain, 0) - 1.0).abs() < 1e-12);
        // Common at depth 1: in (1 x 1) and a(in) (2 x 1); squares 6 + 6 and 6 + 4.
        assert!((diamond.kernel(&chain, 1) - (6.0 + 3.0) / (12.0f64 * 10.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn the_order_of_nodes_does_not_matter() {
        let one = dag(&["in", "a", "b", "c", "out"], &[&[], &[0], &[0], &[1, 2], &[3, 0]]);
        let other = dag(&["in", "b", "a", "c", "out"], &[&[], &[0], &[0], &[2, 1], &[0, 3]]);
        let (one, other) = (Features::of(&one), Features::of(&other));
        assert_eq!(one, other);
        assert!((0..=DEEPEST).all(|depth| (one.kernel(&other, depth) - 1.0).abs() < 1e-12));
    }

    fn random_dag(rng: &mut rand_xoshiro::Xoshiro256PlusPlus) -> Dag {
        let nodes = rng.random_range(2..8);
        let labels = (0..nodes).map(|_| ["a", "b", "c"][rng.random_range(0..3)].to_owned()).collect();
        let inputs = (0..nodes).map(|i| (0..i).filter(|_| rng.random_bool(0.4)).collect()).collect();
        Dag::new(labels, inputs).unwrap()
    }

    #[test]
    fn the_kernel_is_positive_semi_definite_and_learns_a_count_of_patterns() {
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
        let dags: Vec<Dag> = (0..120).map(|_| random_dag(&mut rng)).collect();
        let features: Vec<Arc<Features>> = dags.iter().map(|dag| Arc::new(Features::of(dag))).collect();
        assert!((0..=DEEPEST).all(|depth| semi_definite(&features, depth)));
        // The share of nodes `a` that read a `b`: a matter of depth 1.
        let value = |dag: &Dag| {
            let reads = |i: &usize| {
                dag.labels()[*i] == "a" && dag.inputs()[*i].iter().any(|&j| dag.labels()[j] == "b")
            };
            (0..dag.labels().len()).filter(reads).count() as f64 / dag.labels().len() as f64
        };
        let targets: Vec<f64> = dags.iter().map(value).collect();
        let process = WlProcess::fit(&features[..80], &targets[..80]).unwrap();
        assert!(process.kernel().depth() >= 1, "{:?}", process.kernel());
        let mean = targets.iter().sum::<f64>() / 120.0;
        let error: f64 = (80..120).map(|i| (process.mean(&features[i]) - targets[i]).powi(2)).sum();
        let spread: f64 = (80..120).map(|i| (mean - targets[i]).powi(2)).sum();
        assert!(error < 0.5 * spread, "{error} of {spread}");
    }
}
