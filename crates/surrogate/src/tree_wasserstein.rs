//! Tree-Wasserstein distance between architectures, and the kernel of it.
//!
//! Nguyen, Le, Yamada and Osborne: "Optimal Transport Kernels for Sequential and Parallel Neural Architecture Search" (TW-NAS), ICML 2021,
//! section 3: an architecture is three distributions of mass, over the n-grams of its operators and, along its depth, over its in- and
//! its out-degrees. Each lives on a tree, so what it costs to move one onto another has a closed form (equation 3), and
//! `exp(-d / s)` of the sum is positive definite (proposition 1).

use crate::{Comparison, Dag, Family, Kernel};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Longest n-grams.
const LONGEST: usize = 4;
/// Shares of the operators in the distance that are tried; the degrees divide the rest.
const SHARES: [f64; 5] = [0.5, 0.7, 0.85, 0.95, 1.0];
/// Scales of the distance that are tried.
const SCALES: [f64; 7] = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0];

/// Mass at the nodes of a tree, ascending by node.
type Masses = Vec<(u64, f64)>;

/// The three distributions of an architecture, each of mass 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Transport {
    /// Operators: the level of their kinds, that of their labels, then those of two to four labels along an edge. A gram's parent is
    /// what remains without its first label.
    levels: Vec<Masses>,
    /// In-degrees and out-degrees: depths between 0 and 1, ascending, with their mass.
    degrees: [Vec<(f64, f64)>; 2],
}

impl Transport {
    /// The distributions of a graph. Every node has the same mass of operators and shares it equally among the grams that end in it; its
    /// depth is the longest way to it from an input, relative to the longest way in the graph.
    pub fn of(dag: &Dag) -> Self {
        Self { levels: levels(dag), degrees: degrees(dag) }
    }

    /// The cost of moving the operators, over n-grams up to `n`: every edge of the tree has the same length, and mass that has to
    /// cross all of them costs 1.
    fn operators(&self, other: &Self, n: usize) -> f64 {
        let costs = self.levels.iter().zip(&other.levels).take(n + 1).map(|(a, b)| difference(a, b));
        costs.sum::<f64>() / (2 * (n + 1)) as f64
    }

    /// The cost of moving in- and out-degrees along the depth, between 0 and 2.
    fn along(&self, other: &Self) -> f64 {
        self.degrees.iter().zip(&other.degrees).map(|(a, b)| line(a, b)).sum()
    }
}

fn levels(dag: &Dag) -> Vec<Masses> {
    let each = 1.0 / dag.labels().len().max(1) as f64;
    let own: Vec<u64> = dag.labels().iter().map(|label| xxh3_64(label.as_bytes())).collect();
    let gathered = |ends: &[BTreeMap<u64, f64>]| -> Masses {
        let mut masses: BTreeMap<u64, f64> = BTreeMap::new();
        ends.iter().flatten().for_each(|(&gram, &mass)| *masses.entry(gram).or_default() += mass);
        masses.into_iter().collect()
    };
    let single = |hash: u64| BTreeMap::from([(hash, each)]);
    let kinds: Vec<_> = dag.labels().iter().map(|label| single(xxh3_64(kind(label).as_bytes()))).collect();
    let mut ends: Vec<_> = own.iter().map(|&label| single(label)).collect();
    let mut levels = vec![gathered(&kinds), gathered(&ends)];
    for _ in 1..LONGEST {
        ends = (0..own.len()).map(|node| longer(own[node], &dag.inputs()[node], &ends)).collect();
        levels.push(gathered(&ends));
    }
    levels
}

/// The grams that end in a node, from those that end in the nodes that it reads. A node without inputs has its label alone.
fn longer(label: u64, inputs: &[usize], ends: &[BTreeMap<u64, f64>]) -> BTreeMap<u64, f64> {
    let extended = |gram: u64| {
        let mut hash = Xxh3::with_seed(label);
        hash.update(&gram.to_le_bytes());
        hash.digest()
    };
    let mut grams = BTreeMap::new();
    for (gram, mass) in inputs.iter().flat_map(|&input| &ends[input]) {
        *grams.entry(extended(*gram)).or_insert(0.0) += mass / inputs.len() as f64;
    }
    if inputs.is_empty() { ends_here(label, ends) } else { grams }
}

/// All mass of a node at its label.
fn ends_here(label: u64, ends: &[BTreeMap<u64, f64>]) -> BTreeMap<u64, f64> {
    BTreeMap::from([(label, 1.0 / ends.len() as f64)])
}

/// A label without its attributes.
fn kind(label: &str) -> String {
    let mut open = 0;
    let outside = |c: &char| {
        open += i32::from(*c == '(');
        let outside = open == 0;
        open -= i32::from(*c == ')');
        outside
    };
    label.chars().filter(outside).collect()
}

fn degrees(dag: &Dag) -> [Vec<(f64, f64)>; 2] {
    let inputs = dag.inputs();
    let mut depth: Vec<usize> = Vec::with_capacity(inputs.len());
    let mut readers = vec![0; inputs.len()];
    for read in inputs {
        depth.push(read.iter().map(|&node| depth[node] + 1).max().unwrap_or(0));
        read.iter().for_each(|&node| readers[node] += 1);
    }
    let longest = depth.iter().copied().max().unwrap_or(0).max(1) as f64;
    let edges = readers.iter().sum::<usize>().max(1) as f64;
    let masses = |degree: &dyn Fn(usize) -> usize| {
        let mut at: BTreeMap<usize, usize> = BTreeMap::new();
        (0..inputs.len()).for_each(|node| *at.entry(depth[node]).or_default() += degree(node));
        at.into_iter().map(|(depth, degree)| (depth as f64 / longest, degree as f64 / edges)).collect()
    };
    [masses(&|node| inputs[node].len()), masses(&|node| readers[node])]
}

/// Sum of the absolute differences of two distributions of mass 1: what is not common to them, in both.
fn difference(a: &Masses, b: &Masses) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0.0);
    while i < a.len() && j < b.len() {
        let (from, to) = (a[i], b[j]);
        common += if from.0 == to.0 { from.1.min(to.1) } else { 0.0 };
        i += usize::from(from.0 <= to.0);
        j += usize::from(to.0 <= from.0);
    }
    (2.0 - 2.0 * common).max(0.0)
}

/// The cost of moving one distribution onto another along a line from 0 to 1: the area between their cumulative distributions.
fn line(a: &[(f64, f64)], b: &[(f64, f64)]) -> f64 {
    let (mut i, mut j, mut at, mut excess, mut sum) = (0, 0, 0.0, 0.0f64, 0.0);
    while i < a.len() || j < b.len() {
        let place = |side: &[(f64, f64)], i: usize| side.get(i).map_or(f64::INFINITY, |step| step.0);
        let next = place(a, i).min(place(b, j));
        sum += excess.abs() * (next - at);
        at = next;
        if place(a, i) == next {
            excess += a[i].1;
            i += 1;
        }
        if place(b, j) == next {
            excess -= b[j].1;
            j += 1;
        }
    }
    sum
}

/// `exp(-d / scale)` with the distance `d` of [`distance`](Self::distance).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreeWasserstein {
    /// Longest n-grams of operators.
    grams: usize,
    /// Share of the operators in the distance.
    share: f64,
    scale: f64,
}

impl TreeWasserstein {
    /// `share TW(operators) + (1 - share) / 2 (TW(in-degrees) + TW(out-degrees))` (equation 6), between 0 and 1.
    pub fn distance(&self, a: &Transport, b: &Transport) -> f64 {
        let degrees = if self.share < 1.0 { 0.5 * (1.0 - self.share) * a.along(b) } else { 0.0 };
        self.share * a.operators(b, self.grams) + degrees
    }
}

impl Kernel for TreeWasserstein {
    type Point = Transport;

    fn value(&self, a: &Transport, b: &Transport) -> f64 {
        (-self.distance(a, b) / self.scale).exp()
    }
}

impl Family for TreeWasserstein {
    fn point(dag: &Dag) -> Transport {
        Transport::of(dag)
    }

    /// The cost of the degrees, and those of the operators over n-grams up to 1, 2 ...
    fn compare(a: &Transport, b: &Transport) -> Comparison {
        let mut costs = Comparison::default();
        costs[0] = a.along(b);
        let mut sum = 0.0;
        for (level, (one, other)) in a.levels.iter().zip(&b.levels).enumerate() {
            sum += difference(one, other);
            if level > 0 {
                costs[level] = sum / (2 * (level + 1)) as f64;
            }
        }
        costs
    }

    fn compared(&self, comparison: &Comparison) -> f64 {
        let distance = self.share * comparison[self.grams] + 0.5 * (1.0 - self.share) * comparison[0];
        (-distance / self.scale).exp()
    }

    fn first() -> Self {
        Self { grams: 2, share: 0.85, scale: 0.2 }
    }

    fn variants(&self) -> Vec<Vec<Self>> {
        vec![
            SCALES.into_iter().map(|scale| Self { scale, ..*self }).collect(),
            (1..=LONGEST).map(|grams| Self { grams, ..*self }).collect(),
            SHARES.into_iter().map(|share| Self { share, ..*self }).collect(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cholesky;
    use nasmyth_graph::Graph;
    use nasmyth_space::spaces::cell::{OPERATORS, cell};
    use rand::{RngExt, SeedableRng};
    use std::sync::Arc;

    fn dag(labels: &[&str], inputs: &[&[usize]]) -> Dag {
        let labels = labels.iter().map(|l| (*l).to_owned()).collect();
        Dag::new(labels, inputs.iter().map(|i| i.to_vec()).collect()).unwrap()
    }

    fn of_cell(operators: [usize; 6]) -> Transport {
        let mut graph = Graph::new("cell");
        let image = graph.input(&[4, 4, 1]).unwrap();
        let output = cell(&mut graph, image, &operators.map(|o| OPERATORS[o])).unwrap();
        graph.output(output);
        Transport::of(&Dag::of(&graph.verify().unwrap()))
    }

    fn random_cells(n: usize) -> Vec<Arc<Transport>> {
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(4);
        (0..n).map(|_| Arc::new(of_cell([0; 6].map(|_: usize| rng.random_range(0..5))))).collect()
    }

    fn kernels() -> [TreeWasserstein; 3] {
        let with = |grams, share, scale| TreeWasserstein { grams, share, scale };
        [TreeWasserstein::first(), with(4, 0.5, 1.0), with(1, 1.0, 0.05)]
    }

    #[test]
    fn distances_equal_those_by_hand() {
        // Kinds in, c, c; labels in, c(1), c(2) against in, c(1), c(1).
        let one = Transport::of(&dag(&["in", "c(1)", "c(2)"], &[&[], &[0], &[1]]));
        let other = Transport::of(&dag(&["in", "c(1)", "c(1)"], &[&[], &[0], &[1]]));
        // No kind moves, and of labels and pairs a third each: (0 + 2/3 + 2/3) / 6 over pairs.
        assert!((one.operators(&other, 1) - 2.0 / 3.0 / 4.0).abs() < 1e-12);
        assert!((one.operators(&other, 2) - 4.0 / 3.0 / 6.0).abs() < 1e-12);
        assert_eq!(one.along(&other), 0.0);
        // A third layer beside the first: in-degrees are 2 at 1/2 and 1 at 1 in place of 1 and 1, out-degrees 2 at 0 and 1 at 1/2.
        let wide = Transport::of(&dag(&["in", "c(1)", "c(2)", "d"], &[&[], &[0], &[1], &[0]]));
        let (entering, leaving) = ((2.0 / 3.0 - 0.5) * 0.5, (2.0 / 3.0 - 0.5) * 0.5);
        assert!((one.along(&wide) - entering - leaving).abs() < 1e-12);
        assert_eq!(kind("activation(f=relu); conv(k=[3, 3])"), "activation; conv");
    }

    #[test]
    fn a_gram_has_the_mass_of_its_extensions() {
        // in -> a -> c and in -> b -> c: half of the mass of c comes from each side.
        let point = Transport::of(&dag(&["in", "a", "b", "c"], &[&[], &[0], &[0], &[1, 2]]));
        let masses = |level: usize| point.levels[level].iter().map(|m| m.1).collect::<Vec<_>>();
        let mut pairs = masses(2);
        pairs.sort_by(f64::total_cmp);
        assert_eq!(pairs, [0.125, 0.125, 0.25, 0.25, 0.25]);
        assert!((0..5).all(|level| (masses(level).iter().sum::<f64>() - 1.0).abs() < 1e-12));
    }

    #[test]
    fn isomorphic_cells_have_no_distance() {
        // The inner nodes change places; a branch that ends is none.
        for kernel in kernels() {
            let swapped = (of_cell([3, 2, 0, 1, 2, 4]), of_cell([2, 3, 0, 1, 4, 2]));
            assert!(kernel.distance(&swapped.0, &swapped.1) < 1e-12);
            assert!(kernel.distance(&of_cell([3, 0, 0, 1, 2, 4]), &of_cell([3, 0, 0, 1, 2, 0])) < 1e-12);
            assert!(kernel.distance(&swapped.0, &of_cell([3, 2, 0, 1, 4, 2])) > 0.0);
        }
    }

    #[test]
    fn the_distance_is_a_metric() {
        let cells = random_cells(60);
        for kernel in kernels() {
            let d = |i: usize, j: usize| kernel.distance(&cells[i], &cells[j]);
            for (i, j, k) in (0..60).flat_map(|i| (0..i).flat_map(move |j| (0..60).map(move |k| (i, j, k)))) {
                assert!(d(i, j) <= d(i, k) + d(k, j) + 1e-12, "{i} {j} {k}");
                assert!((d(i, j) - d(j, i)).abs() < 1e-12 && (0.0..=1.0).contains(&d(i, j)));
            }
        }
    }

    #[test]
    fn compared_cells_have_the_value_of_the_kernel() {
        let cells = random_cells(20);
        for (kernel, (a, b)) in
            kernels().iter().flat_map(|k| cells.iter().zip(&cells[1..]).map(move |p| (k, p)))
        {
            let compared = kernel.compared(&TreeWasserstein::compare(a, b));
            assert!((compared - kernel.value(a, b)).abs() < 1e-12, "{kernel:?}");
        }
    }

    #[test]
    fn the_kernel_of_random_cells_is_positive_semi_definite() {
        let cells = random_cells(300);
        for kernel in kernels() {
            // The smallest eigenvalue is at least -1e-8 where a ridge of 1e-8 makes the matrix positive definite.
            assert!(Cholesky::new(&kernel.gram(&cells), 1e-8).is_some(), "{kernel:?}");
        }
    }
}
