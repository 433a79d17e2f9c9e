//! A graph convolution network that reads architectures.
//!
//! Wen et al.: "Neural Predictor for Neural Architecture Search", ECCV 2020, section 3: layers
//! `V' = ReLU(A V W) / 2 + ReLU(A^T V W') / 2` over the labels of the nodes, where `A` has loops and rows of sum 1; then the mean over
//! the nodes and a linear layer. Theirs are three layers of 144 units, trained for 300 epochs.
//!
//! Dudziak et al.: "BRP-NAS: Prediction-based NAS using GCNs", NeurIPS 2020, section 4: the same trained on pairs, as a softmax over
//! which of the two is better. There a linear layer reads both embeddings. What it says is a function of one plus a function of
//! the other; if exchanging the two exchanges the answers, it is a difference of scores. So both predictors are one network that
//! gives an architecture a number, and the order by this number is the order by wins.

use crate::Dag;
use nasmyth_engine::{Loss, Mode, Optimizer, OptimizerKind, ParamLayout, ParamStore, Plan};
use nasmyth_graph::ops::{Activation, Add, Function, Linear, MatMul, Reshape, Slice};
use nasmyth_graph::{Graph, GraphError, VerifiedGraph};
use rand::{Rng, RngExt};
use std::borrow::Borrow;
use std::collections::BTreeMap;

const LAYERS: usize = 3;
const WIDTH: usize = 32;
/// Graphs, or pairs of them, of a training step.
const BATCH: usize = 16;
/// Training steps.
const STEPS: usize = 200;
/// Learning rate of the first step; it falls like a cosine to zero (Loshchilov and Hutter 2017).
const RATE: f64 = 5e-3;
const DECAY: f64 = 1e-2;
/// Graphs that are predicted at once.
const CHUNK: usize = 64;

/// What the network is trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// The targets, by squared error.
    Value,
    /// Which of two architectures has the larger target, by cross-entropy.
    Relation,
}

/// A trained network.
#[derive(Clone, Debug)]
pub struct GraphNetwork {
    labels: BTreeMap<String, usize>,
    params: ParamStore<f32>,
    /// What an answer of 0 means, and what a difference of 1 does, in the unit of the targets.
    origin: f64,
    unit: f64,
}

impl GraphNetwork {
    /// Trains a network from fresh weights. `None` unless two targets differ.
    pub fn fit(graphs: &[impl Borrow<Dag>], targets: &[f64], aim: Aim, rng: &mut impl Rng) -> Option<Self> {
        let n = targets.len() as f64;
        let mean = targets.iter().sum::<f64>() / n;
        let deviation = (targets.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n).sqrt();
        if !targets.iter().any(|&y| y != targets[0]) || !deviation.is_normal() {
            return None;
        }
        let scaled: Vec<f32> = targets.iter().map(|y| ((y - mean) / deviation) as f32).collect();
        let mut labels = BTreeMap::new();
        for label in graphs.iter().flat_map(|graph| graph.borrow().labels()) {
            let next = labels.len();
            labels.entry(label.clone()).or_insert(next);
        }
        let nodes = most_nodes(graphs);
        let samples: Vec<Vec<f32>> =
            graphs.iter().map(|graph| sample(graph.borrow(), nodes, &labels)).collect();
        let params = train(&samples, &scaled, aim, &shape(nodes, labels.len()), rng)?;
        let (origin, unit) = if aim == Aim::Value { (mean, deviation) } else { (0.0, 1.0) };
        Some(Self { labels, params, origin, unit })
    }

    /// For each graph its target; trained for relations, a score `s` with which `a` is better than `b` with odds `exp(s_a - s_b)`. Labels
    /// that no graph of the training had tell nothing. `None` if the graphs are too large for memory.
    pub fn predict(&self, graphs: &[impl Borrow<Dag>]) -> Option<Vec<f64>> {
        let [nodes, width] = shape(most_nodes(graphs), self.labels.len());
        let batch = graphs.len().clamp(1, CHUNK);
        let plan = Plan::compile(&network(1, [nodes, width]).ok()?, batch, Mode::Infer).ok()?;
        let mut arena = plan.arena();
        plan.prepare(&self.params, &mut arena);
        let mut answers = Vec::with_capacity(graphs.len());
        for chunk in graphs.chunks(batch) {
            let rows = plan.input(&mut arena).chunks_exact_mut(nodes * width);
            rows.zip(chunk)
                .for_each(|(row, g)| row.copy_from_slice(&sample(g.borrow(), nodes, &self.labels)));
            plan.infer(&self.params, &mut arena);
            let answer = |&y: &f32| self.origin + self.unit * f64::from(y);
            answers.extend(plan.output(&arena)[..chunk.len()].iter().map(answer));
        }
        Some(answers)
    }
}

fn most_nodes(graphs: &[impl Borrow<Dag>]) -> usize {
    graphs.iter().map(|graph| graph.borrow().labels().len()).max().unwrap_or(0).max(1)
}

/// Of a sample: rows, one for each node, and columns: the rows of both adjacencies, the node's share of the mean, and its label, one-hot.
fn shape(nodes: usize, labels: usize) -> [usize; 2] {
    [nodes, 2 * nodes + 1 + labels]
}

/// What the network reads of a graph, padded with zeros to so many nodes.
fn sample(graph: &Dag, nodes: usize, labels: &BTreeMap<String, usize>) -> Vec<f32> {
    let [_, width] = shape(nodes, labels.len());
    let mut rows = vec![0.0; nodes * width];
    let n = graph.labels().len();
    for (i, (label, inputs)) in graph.labels().iter().zip(graph.inputs()).enumerate() {
        rows[i * width + i] = 1.0;
        rows[i * width + nodes + i] = 1.0;
        for &j in inputs {
            rows[i * width + j] = 1.0;
            rows[j * width + nodes + i] = 1.0;
        }
        rows[i * width + 2 * nodes] = 1.0 / n as f32;
        if let Some(at) = labels.get(label) {
            rows[i * width + 2 * nodes + 1 + at] = 1.0;
        }
    }
    for row in rows.chunks_exact_mut(width).take(n) {
        for adjacency in row[..2 * nodes].chunks_exact_mut(nodes) {
            let sum: f32 = adjacency.iter().sum();
            adjacency.iter_mut().for_each(|edge| *edge /= sum);
        }
    }
    rows
}

/// The network on so many graphs at a time; its parameters depend neither on their number nor on that of the nodes.
fn network(graphs: usize, [nodes, width]: [usize; 2]) -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("graph_network");
    let x = g.input(&[graphs, nodes, width])?;
    let columns = |g: &mut Graph, start, end| g.push(Slice { start, end }, &[x]);
    let adjacencies = [columns(&mut g, 0, nodes)?, columns(&mut g, nodes, 2 * nodes)?];
    let share = columns(&mut g, 2 * nodes, 2 * nodes + 1)?;
    let share = g.push(Reshape(vec![graphs, 1, nodes]), &[share])?;
    let mut v = columns(&mut g, 2 * nodes + 1, width)?;
    for _ in 0..LAYERS {
        let [mut a, mut b] = [v; 2];
        for (side, adjacency) in [&mut a, &mut b].into_iter().zip(adjacencies) {
            let h = g.push(Linear::new(WIDTH), &[v])?;
            let h = g.push(MatMul { factor: 0.5, ..MatMul::default() }, &[adjacency, h])?;
            *side = g.push(Activation(Function::Relu), &[h])?;
        }
        v = g.push(Add, &[a, b])?;
    }
    let mean = g.push(MatMul::default(), &[share, v])?;
    let y = g.push(Linear::new(1), &[mean])?;
    let y = g.push(Reshape(vec![graphs]), &[y])?;
    g.output(y);
    g.verify()
}

fn train(
    samples: &[Vec<f32>],
    targets: &[f32],
    aim: Aim,
    shape: &[usize; 2],
    rng: &mut impl Rng,
) -> Option<ParamStore<f32>> {
    let (each, loss) = match aim {
        Aim::Value => (1, Loss::SquaredError { variance: 1.0 }),
        Aim::Relation => (2, Loss::CrossEntropy),
    };
    let graph = network(each, *shape).ok()?;
    let plan = Plan::compile(&graph, BATCH, Mode::Train(loss)).ok()?;
    let (mut params, mut arena) = (ParamStore::new(&graph, rng.random()), plan.arena());
    let layout = ParamLayout::of(&graph);
    let mut rule = Optimizer::new(OptimizerKind::adamw(), &layout);
    let mut grads = vec![0.0; layout.trained().len()];
    for step in 0..STEPS {
        let (inputs, outputs) = plan.sample(&mut arena);
        let rows = inputs.chunks_exact_mut(samples[0].len());
        let mut drawn = [0; 2 * BATCH];
        for (row, drawn) in rows.zip(&mut drawn) {
            *drawn = rng.random_range(0..samples.len());
            row.copy_from_slice(&samples[*drawn]);
        }
        for (output, drawn) in outputs.chunks_exact_mut(each).zip(drawn.chunks_exact(each)) {
            match drawn {
                [a, b] => output.copy_from_slice(&relation(targets[*a], targets[*b])),
                _ => output[0] = targets[drawn[0]],
            }
        }
        plan.train(&params, &mut grads, &mut arena, 0);
        let fall = libm::cos(std::f64::consts::PI * step as f64 / STEPS as f64);
        rule.step(params.values_mut(), &grads, RATE * (0.5 + 0.5 * fall), DECAY);
    }
    Some(params)
}

/// Which of two is larger, as a distribution.
fn relation(a: f32, b: f32) -> [f32; 2] {
    match a.total_cmp(&b) {
        std::cmp::Ordering::Greater => [1.0, 0.0],
        std::cmp::Ordering::Less => [0.0, 1.0],
        std::cmp::Ordering::Equal => [0.5, 0.5],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Chains of five layers, which are worth one for each `a` that another `a` follows.
    fn chains(n: usize, rng: &mut impl Rng) -> (Vec<Dag>, Vec<f64>) {
        let chain = |rng: &mut _| {
            let layers: Vec<usize> = (0..5).map(|_| RngExt::random_range(rng, 0..3)).collect();
            let labels = layers.iter().map(|&layer| ["a", "b", "c"][layer].to_owned()).collect();
            let pairs = layers.windows(2).filter(|pair| **pair == [0, 0]).count();
            (Dag::chain(labels), pairs as f64)
        };
        (0..n).map(|_| chain(rng)).unzip()
    }

    /// Share of the pairs of different targets that are in the right order.
    fn concordance(targets: &[f64], predicted: &[f64]) -> f64 {
        let pairs = (0..targets.len()).flat_map(|i| (0..targets.len()).map(move |j| (i, j)));
        let open: Vec<_> = pairs.filter(|&(i, j)| targets[i] > targets[j]).collect();
        open.iter().filter(|&&(i, j)| predicted[i] > predicted[j]).count() as f64 / open.len() as f64
    }

    #[test]
    fn both_aims_order_chains_by_what_follows_what() {
        for aim in [Aim::Value, Aim::Relation] {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
            let (graphs, targets) = chains(200, &mut rng);
            let network = GraphNetwork::fit(&graphs[..120], &targets[..120], aim, &mut rng).unwrap();
            let right = concordance(&targets[120..], &network.predict(&graphs[120..]).unwrap());
            assert!(right > 0.9, "{aim:?}: {right}");
        }
    }

    #[test]
    fn answers_depend_neither_on_the_order_of_nodes_nor_on_the_company() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
        let (graphs, targets) = chains(30, &mut rng);
        let network = GraphNetwork::fit(&graphs, &targets, Aim::Value, &mut rng).unwrap();
        let dag = |labels: [&str; 4], inputs: [Vec<usize>; 4]| {
            Dag::new(labels.map(str::to_owned).to_vec(), inputs.to_vec()).unwrap()
        };
        let one = dag(["a", "b", "c", "a"], [vec![], vec![0], vec![0], vec![1, 2]]);
        let same = dag(["a", "c", "b", "a"], [vec![], vec![0], vec![0], vec![1, 2]]);
        let other = dag(["a", "b", "c", "a"], [vec![], vec![0], vec![1], vec![1, 2]]);
        let small = |graph: &Dag| network.predict(std::slice::from_ref(graph)).unwrap()[0];
        let padded = network.predict(&[one.clone(), graphs[0].clone()]).unwrap()[0];
        assert!((small(&one) - small(&same)).abs() < 1e-5 && (small(&one) - padded).abs() < 1e-5);
        assert!((small(&one) - small(&other)).abs() > 1e-3);
    }

    #[test]
    fn nothing_is_learned_from_equal_targets() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        let (graphs, _) = chains(4, &mut rng);
        assert!(GraphNetwork::fit(&graphs, &[2.0; 4], Aim::Value, &mut rng).is_none());
        assert!(GraphNetwork::fit(&graphs[..0], &[], Aim::Relation, &mut rng).is_none());
    }
}
