//! Latent action Monte-Carlo tree search.
//!
//! Wang, Xie, Li, Fonseca and Tian: "Sample-Efficient Neural Architecture Search by Learning Actions for Monte Carlo Tree Search",
//! TPAMI 2021, algorithm 1: each node of a tree splits its networks by a linear regression on their encoding into good (predicted
//! above the node's mean) and bad; a leaf is chosen by upper confidence bounds, and a random network that all regressions on the way
//! put there is tried. Nodes are split while they hold more networks than a leaf may, as in LA-MCTS (Wang, Fonseca and Tian, NeurIPS 2020).
//!
//! Values are replaced by their ranks between 0 and 1, so that one constant of exploration serves all scales and a few very bad networks
//! do not bend the regressions.

use super::StrategyKind;
use crate::opening::Opening;
use crate::regression::Linear;
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Settings, Strategy, StrategyError,
    distinct, feasible_sample,
};
use nasmyth_space::Genotype;
use rand::RngExt;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "lanas",
    doc: "learns to split the space into good and bad regions and samples in the most promising",
    several: false,
    settings: &[
        SettingKind {
            name: "start",
            doc: "networks drawn at random at the start",
            setting: Setting::Integer { default: 20, least: 1, most: 100_000 },
        },
        SettingKind {
            name: "exploration",
            doc: "constant c of the upper confidence bound, in shares of the ranks",
            setting: Setting::Number { default: 0.1, least: 0.0, most: 100.0 },
        },
        SettingKind {
            name: "leaf",
            doc: "most networks of a region that is not split",
            setting: Setting::Integer { default: 10, least: 2, most: 100_000 },
        },
        SettingKind {
            name: "depth",
            doc: "most splits above a region",
            setting: Setting::Integer { default: 8, least: 0, most: 64 },
        },
    ],
    build: |settings| Box::new(Lanas::new(settings)),
};

/// Random networks looked at for one of a region, and after them mutations of its members.
const TRIES: usize = 500;
/// Penalty of the regressions, which one-hot encodings need: their columns are dependent.
const PENALTY: f64 = 1.0;

/// A tree of learned regions.
#[derive(Clone, Debug)]
pub struct Lanas {
    exploration: f64,
    leaf: usize,
    depth: usize,
    opening: Opening,
    /// Not yet in `samples`.
    told: Vec<Completed>,
    samples: Vec<Sample>,
    tree: Node,
}

#[derive(Clone, Debug)]
struct Sample {
    trial: u64,
    genotype: Genotype,
    code: Vec<f32>,
    /// Minus infinity if it failed.
    value: f64,
}

/// A region and what is known in it.
#[derive(Clone, Debug, Default)]
struct Node {
    /// Indices of the networks in it.
    members: Vec<usize>,
    /// Mean of their ranks.
    mean: f64,
    split: Option<Box<Split>>,
}

#[derive(Clone, Debug)]
struct Split {
    regression: Linear,
    threshold: f64,
    good: Node,
    bad: Node,
}

/// Splits on the way to a region, and on which side it is.
type Path<'t> = Vec<(&'t Split, bool)>;

impl Split {
    fn is_good(&self, code: &[f32]) -> bool {
        self.regression.at(code) > self.threshold
    }
}

impl Node {
    /// The tree below these networks.
    fn grow(members: Vec<usize>, codes: &[&[f32]], ranks: &[f64], leaf: usize, depth: usize) -> Self {
        let mean = members.iter().map(|&i| ranks[i]).sum::<f64>() / members.len().max(1) as f64;
        let divide = || {
            let samples: Vec<(&[f32], f64)> = members.iter().map(|&i| (codes[i], ranks[i])).collect();
            let regression = Linear::fit(&samples, PENALTY)?;
            let is_good = |i: &usize| regression.at(codes[*i]) > mean;
            let (good, bad): (Vec<usize>, Vec<usize>) = members.iter().partition(|i| is_good(i));
            if good.is_empty() || bad.is_empty() {
                return None;
            }
            let good = Self::grow(good, codes, ranks, leaf, depth - 1);
            let bad = Self::grow(bad, codes, ranks, leaf, depth - 1);
            (good.mean > bad.mean).then_some(Split { regression, threshold: mean, good, bad })
        };
        let split = if depth > 0 && members.len() > leaf { divide() } else { None };
        Self { mean, split: split.map(Box::new), members }
    }

    /// The leaf that upper confidence bounds lead to, and the way there.
    fn select(&self, exploration: f64) -> (&Self, Path<'_>) {
        let (mut at, mut path) = (self, Path::new());
        while let Some(split) = &at.split {
            let visits = 2.0 * (at.members.len() as f64).ln();
            let bound =
                |node: &Self| node.mean + 2.0 * exploration * (visits / node.members.len() as f64).sqrt();
            let good = bound(&split.good) >= bound(&split.bad);
            path.push((split, good));
            at = if good { &split.good } else { &split.bad };
        }
        (at, path)
    }
}

impl Lanas {
    /// From the settings of `lanas`.
    pub fn new(settings: &Settings) -> Self {
        Self {
            exploration: settings.number("exploration"),
            leaf: settings.count("leaf"),
            depth: settings.count("depth"),
            opening: Opening::new(settings.count("start")),
            told: Vec::new(),
            samples: Vec::new(),
            tree: Node::default(),
        }
    }

    /// Grows the tree anew of all trials so far.
    fn learn(&mut self, problem: &Problem<'_>) {
        if self.told.is_empty() {
            return;
        }
        let sample = |done: Completed| Sample {
            trial: done.trial,
            code: problem.space.encode(&done.genotype),
            genotype: done.genotype,
            value: done.outcome.unwrap_or(f64::NEG_INFINITY),
        };
        self.samples.extend(self.told.drain(..).map(sample));
        let codes: Vec<&[f32]> = self.samples.iter().map(|s| s.code.as_slice()).collect();
        let ranks = ranks(&self.samples.iter().map(|s| s.value).collect::<Vec<_>>());
        self.tree = Node::grow((0..codes.len()).collect(), &codes, &ranks, self.leaf, self.depth);
    }

    fn propose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        if let Some(proposal) = self.opening.next(problem, rng) {
            return Some(proposal);
        }
        let (leaf, path) = self.tree.select(self.exploration);
        let inside = self.drawn(&path, problem, rng).or_else(|| self.mutated(leaf, &path, problem, rng));
        inside.or_else(|| feasible_sample(problem, rng).map(Proposal::random))
    }

    /// Rejection sampling in a region.
    fn drawn(&self, path: &Path<'_>, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        let mut draws = (0..TRIES).map(|_| problem.space.sample(rng));
        let genotype = draws.find(|g| inside(path, g, problem))?;
        Some(Proposal { genotype, origin: Origin::Model, parent: None })
    }

    /// A walk of mutations in a region, from one of its networks.
    fn mutated(
        &self,
        leaf: &Node,
        path: &Path<'_>,
        problem: &Problem<'_>,
        rng: &mut Rng,
    ) -> Option<Proposal> {
        let chosen = leaf.members.get(rng.random_range(0..leaf.members.len().max(1)))?;
        let from = &self.samples[*chosen];
        let mut at = from.genotype.clone();
        for _ in 0..TRIES {
            let next = problem.space.mutate(&at, rng);
            if belongs(path, &problem.space.encode(&next)) {
                if problem.fresh(&next) {
                    return Some(Proposal {
                        genotype: next,
                        origin: Origin::Model,
                        parent: Some(from.trial),
                    });
                }
                at = next;
            }
        }
        None
    }
}

/// Whether all splits put a network with this encoding on their side of the path.
fn belongs(path: &Path<'_>, code: &[f32]) -> bool {
    path.iter().all(|(split, good)| split.is_good(code) == *good)
}

/// Whether a fresh genotype lies in a region.
fn inside(path: &Path<'_>, genotype: &Genotype, problem: &Problem<'_>) -> bool {
    belongs(path, &problem.space.encode(genotype)) && problem.fresh(genotype)
}

/// Ranks from 0 to 1, the mean of them for equal values.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let below = values.iter().filter(|v| **v < values[equal[0]]).count() as f64;
        let middle = below + (equal.len() as f64 - 1.0) / 2.0;
        equal.iter().for_each(|&i| ranks[i] = middle / (values.len() as f64 - 1.0).max(1.0));
    }
    ranks
}

impl Strategy for Lanas {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        self.learn(problem);
        Ok(distinct(problem, n, |problem| self.propose(problem, rng)))
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        self.told.extend(done.iter().filter(|done| done.fidelity.rung == 0).cloned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_space::{Space, SpaceError, Tree};
    use rand::SeedableRng;

    /// The tree of 200 random genotypes of six genes, the value of which is the sum of their squares.
    fn tree() -> (Node, Vec<Vec<f32>>, Vec<f64>) {
        let genes = (0..6).map(|i| Tree::choice(format!("g{i}"), [0, 1, 2, 3, 4]));
        let space = Space::new("digits", "", Tree::group(genes.collect::<Vec<_>>()), |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap();
        let mut rng = Rng::seed_from_u64(2);
        let genotypes: Vec<Genotype> = (0..200).map(|_| space.sample(&mut rng)).collect();
        let square = |digit: &str| digit.parse::<f64>().unwrap().powi(2);
        let value = |g: &Genotype| g.to_string().split('_').map(square).sum::<f64>();
        let ranks = ranks(&genotypes.iter().map(value).collect::<Vec<_>>());
        let codes: Vec<Vec<f32>> = genotypes.iter().map(|g| space.encode(g)).collect();
        let views: Vec<&[f32]> = codes.iter().map(Vec::as_slice).collect();
        (Node::grow((0..200).collect(), &views, &ranks, 10, 8), codes, ranks)
    }

    fn check(node: &Node, path: &mut Vec<(Split, bool)>, codes: &[Vec<f32>]) -> usize {
        for &i in &node.members {
            assert!(path.iter().all(|(split, good)| split.is_good(&codes[i]) == *good));
        }
        let Some(split) = &node.split else { return 1 };
        assert!(split.good.mean > split.bad.mean);
        assert_eq!(split.good.members.len() + split.bad.members.len(), node.members.len());
        [(&split.good, true), (&split.bad, false)].into_iter().fold(0, |leaves, (child, good)| {
            path.push((split.as_ref().clone(), good));
            let below = check(child, path, codes);
            path.pop();
            leaves + below
        })
    }

    #[test]
    fn every_split_separates_good_from_bad() {
        let (tree, codes, ranks) = tree();
        assert!(check(&tree, &mut Vec::new(), &codes) > 8);
        let (best, _) = tree.select(0.0);
        let top = best.members.iter().filter(|&&i| ranks[i] > 0.8).count();
        assert!(top * 10 >= best.members.len() * 9, "{top} of {}", best.members.len());
    }

    #[test]
    fn with_much_exploration_the_emptier_side_is_visited() {
        let (tree, ..) = tree();
        let greedy = tree.select(0.0).1;
        assert!(greedy.iter().all(|(_, good)| *good));
        for (split, good) in tree.select(100.0).1 {
            assert_eq!(good, split.good.members.len() <= split.bad.members.len());
        }
    }

    #[test]
    fn equal_values_have_equal_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, f64::NEG_INFINITY, 9.0]), [0.625, 0.25, 0.625, 0.0, 1.0]);
    }
}
