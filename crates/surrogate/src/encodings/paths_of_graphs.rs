//! The path encoding of graphs of any kind.

use crate::Dag;
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::Xxh3;

/// Paths of a graph with more layers say too little: no two networks share one.
const LONGEST: usize = 6;
/// Most paths of a graph.
const MOST: usize = 512;

/// The paths of a graph from its inputs to its last node, each known by the labels on it. Sums and the ends do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths(BTreeSet<u64>);

impl Paths {
    /// The paths; `None` of a graph with a path of more than six layers, or with more than 512 paths.
    pub fn of(dag: &Dag) -> Option<Self> {
        // For each node the paths to it, as the layers on them.
        let mut to: Vec<BTreeSet<Vec<usize>>> = Vec::with_capacity(dag.labels().len());
        let mut layers: BTreeMap<&str, usize> = BTreeMap::new();
        for (label, inputs) in dag.labels().iter().zip(dag.inputs()) {
            let mut paths: BTreeSet<Vec<usize>> =
                inputs.iter().flat_map(|&i| to[i].iter().cloned()).collect();
            if inputs.is_empty() {
                paths.insert(Vec::new());
            } else if !matches!(label.as_str(), "add" | "output") {
                let next = layers.len();
                let layer = *layers.entry(label).or_insert(next);
                paths = paths.into_iter().map(|path| [&path[..], &[layer]].concat()).collect();
            }
            if paths.len() > MOST || paths.iter().any(|path| path.len() > LONGEST) {
                return None;
            }
            to.push(paths);
        }
        let names: BTreeMap<usize, &str> = layers.iter().map(|(name, layer)| (*layer, *name)).collect();
        let whole = to.last()?.iter().map(|path| hash(path.iter().map(|layer| names[layer])));
        Some(Self(whole.collect()))
    }

    /// In place of the paths of any graph: its labels, and pairs of labels along an edge.
    pub fn short(dag: &Dag) -> Self {
        let labels = dag.labels();
        let singles = labels.iter().map(|label| hash([label.as_str()].into_iter()));
        let read = dag.inputs().iter().zip(labels);
        let pairs = read.flat_map(|(inputs, label)| {
            inputs.iter().map(move |&input| hash([labels[input].as_str(), label.as_str()].into_iter()))
        });
        Self(singles.chain(pairs).collect())
    }

    /// Number of paths that one of two networks has and the other has not.
    pub fn difference(&self, other: &Self) -> usize {
        self.0.symmetric_difference(&other.0).count()
    }

    /// The paths in order, as numbers.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().copied()
    }

    /// A bit for each path of a sorted list: whether the graph has it. Paths that the list lacks are left out.
    pub fn one_hot(&self, list: &[u64]) -> Vec<f64> {
        let mut code = vec![0.0; list.len()];
        self.iter().filter_map(|path| list.binary_search(&path).ok()).for_each(|at| code[at] = 1.0);
        code
    }
}

fn hash<'a>(labels: impl Iterator<Item = &'a str>) -> u64 {
    let mut hash = Xxh3::new();
    labels.for_each(|label| {
        hash.update(label.as_bytes());
        hash.update(b"\n");
    });
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dag(labels: &[&str], inputs: &[&[usize]]) -> Dag {
        Dag::new(
            labels.iter().map(|l| (*l).to_owned()).collect(),
            inputs.iter().map(|i| i.to_vec()).collect(),
        )
        .unwrap()
    }

    #[test]
    fn equal_words_are_one_path_wherever_they_run() {
        // a b, a c and a shortcut.
        let one = dag(&["in", "a", "b", "c", "add", "output"], &[&[], &[0], &[1], &[1], &[0, 2, 3], &[4]]);
        let other = dag(
            &["in", "a", "a", "b", "c", "add", "output"],
            &[&[], &[0], &[0], &[2], &[1], &[3, 4, 0], &[5]],
        );
        let (one, other) = (Paths::of(&one).unwrap(), Paths::of(&other).unwrap());
        assert_eq!((one.iter().count(), &one), (3, &other));
        let list: Vec<u64> = one.iter().collect();
        assert_eq!(one.one_hot(&list[1..]), [1.0, 1.0]);
        let chain = Paths::of(&dag(&["in", "a", "output"], &[&[], &[0], &[1]])).unwrap();
        assert_eq!(chain.one_hot(&list), [0.0; 3]);
        assert_eq!((one.difference(&chain), one.difference(&other)), (4, 0));
    }

    #[test]
    fn deep_networks_have_none() {
        let labels = ["in", "a", "b", "a", "b", "a", "b", "a", "output"];
        let inputs: Vec<Vec<usize>> = (0..9).map(|i: usize| i.checked_sub(1).into_iter().collect()).collect();
        let deep = Dag::new(labels.map(str::to_owned).to_vec(), inputs).unwrap();
        assert_eq!(Paths::of(&deep), None);
        // in, a, b, output; in a, a b, b a, a output.
        assert_eq!(Paths::short(&deep).iter().count(), 8);
    }
}
