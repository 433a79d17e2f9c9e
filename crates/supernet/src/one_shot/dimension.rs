//! The intrinsic dimension of features, which tells options apart.
//!
//! He, Yao, Wang, Tang, Cheung, See, Han and Chu: "NAS-LID: Efficient Neural Architecture Search with Local Intrinsic Dimension", AAAI 2023.

use super::{Judge, OneShotError, Supernet};
use nasmyth_data::Subset;
use nasmyth_engine::{Mode, Options, ParamLayout, ParamStore};
use nasmyth_graph::{Graph, NodeId, VerifiedGraph};
use nasmyth_space::Genotype;
use nasmyth_train::TrainError;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Samples whose features are looked at.
const SAMPLES: usize = 128;

/// Neighbours of a sample.
const NEIGHBOURS: usize = 10;

/// Layers of a profile.
const LAYERS: usize = 6;

/// Squared distances below this are those of equal points.
const EQUAL: f64 = 1e-20;

/// The local intrinsic dimension of a cloud of points, `[points, width]`: the harmonic mean over points of the maximum-likelihood estimate from
/// the distances to the `k` nearest other points (Levina and Bickel 2004, equation 8, averaged as MacKay and Ghahramani have it). 0 where all
/// points are equal.
///
/// It falls short where many points lie at a boundary: 1,000 points of a cube of ten dimensions count as eight.
///
/// # Panics
/// If `k` is below 2 or there are not more points.
pub fn intrinsic_dimension(points: &[f32], width: usize, k: usize) -> f64 {
    let rows: Vec<&[f32]> = points.chunks_exact(width).collect();
    assert!(k >= 2 && rows.len() > k, "{} points have no {k} neighbours each", rows.len());
    let inverse = rows.iter().enumerate().map(|(i, row)| {
        let others = rows.iter().enumerate().filter(|(j, _)| *j != i);
        let mut squares: Vec<f64> =
            others.map(|(_, other)| squared_distance(row, other).max(EQUAL)).collect();
        squares.select_nth_unstable_by(k - 1, f64::total_cmp);
        let farthest = squares[k - 1];
        // Half the logarithm of a squared ratio is that of the ratio.
        squares[..k - 1].iter().map(|square| (farthest / square).ln() / 2.0).sum::<f64>() / (k - 1) as f64
    });
    let mean = inverse.sum::<f64>() / rows.len() as f64;
    if mean > 0.0 { 1.0 / mean } else { 0.0 }
}

fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a - b).powi(2)).sum()
}

/// The negative Euclidean distances between profiles.
pub(crate) fn alike(profiles: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let distance =
        |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    profiles.iter().map(|a| profiles.iter().map(|b| -distance(a, b)).collect()).collect()
}

/// For each genotype the intrinsic dimensions of the features, on validation samples, of layers that the networks of all of them have.
pub(crate) fn profiles(supernet: &Supernet, genotypes: &[Genotype]) -> Result<Vec<Vec<f64>>, OneShotError> {
    let judge = supernet.judge();
    let networks = genotypes.iter().map(|genotype| judge.network(genotype));
    let networks = networks.collect::<Result<Vec<_>, _>>()?;
    let layers = common_layers(networks.iter().map(|(graph, _)| graph));
    let profile = |(graph, params): &(VerifiedGraph, ParamStore<f32>)| {
        layers.iter().map(|layer| dimension_of(&judge, graph, params, layer)).collect()
    };
    networks.iter().map(profile).collect()
}

/// Names of layers that all networks have, with values of one shape, evenly spaced.
fn common_layers<'g>(graphs: impl Iterator<Item = &'g VerifiedGraph>) -> Vec<String> {
    let name =
        |graph: &VerifiedGraph, i: usize| format!("{} {:?}", graph.nodes()[i].name, graph.nodes()[i].fact);
    let mut graphs = graphs.peekable();
    let Some(first) = graphs.peek().copied() else { return Vec::new() };
    let mut common: Vec<usize> =
        (0..first.nodes().len()).filter(|i| !first.node(NodeId(*i)).inputs.is_empty()).collect();
    for graph in graphs {
        let names: BTreeSet<String> = (0..graph.nodes().len()).map(|i| name(graph, i)).collect();
        common.retain(|i| names.contains(&name(first, *i)));
    }
    let every = common.len().div_ceil(LAYERS).max(1);
    common.iter().rev().step_by(every).map(|i| first.nodes()[*i].name.clone()).collect()
}

fn dimension_of(
    judge: &Judge<'_>,
    graph: &VerifiedGraph,
    params: &ParamStore<f32>,
    layer: &str,
) -> Result<f64, OneShotError> {
    let mut upto = Graph::new(graph.name());
    for node in graph.nodes() {
        let id = upto.add(node.name.clone(), node.op.clone(), &node.inputs)?;
        if node.name == layer {
            upto.output(id);
            break;
        }
    }
    let upto = upto.verify()?;
    let layout = Arc::new(ParamLayout::of(&upto));
    let params = ParamStore::filled(layout, |_, entry, values| {
        values.copy_from_slice(params.get(&entry.key).unwrap_or_default());
    });
    let data = judge.task.data;
    let samples = SAMPLES.min(data.len(Subset::Valid));
    let program =
        judge.engine.compile(&upto, Options::new(samples, Mode::Infer)).map_err(TrainError::from)?;
    let mut memory = program.memory();
    let (x, _) = program.sample(&mut memory);
    let width = x.len() / samples;
    x.chunks_exact_mut(width).enumerate().for_each(|(i, x)| data.read(Subset::Valid, i, x));
    program.forward(&params, &mut memory);
    let features = program.output(&memory);
    Ok(intrinsic_dimension(features, features.len() / samples, NEIGHBOURS.min(samples - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::one_shot::balanced_cut;
    use nasmyth_space::Rng;
    use rand::{RngExt, SeedableRng};

    /// Roughly normal.
    fn normal(rng: &mut Rng) -> f64 {
        (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
    }

    fn matrix(rows: usize, columns: usize, rng: &mut Rng) -> Vec<Vec<f64>> {
        (0..rows).map(|_| (0..columns).map(|_| normal(rng)).collect()).collect()
    }

    fn times(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let entry = |row: &[f64], j: usize| row.iter().zip(b).map(|(x, b)| x * b[j]).sum::<f64>();
        a.iter().map(|row| (0..b[0].len()).map(|j| entry(row, j)).collect()).collect()
    }

    fn flat(rows: &[Vec<f64>]) -> Vec<f32> {
        rows.iter().flatten().map(|v| *v as f32).collect()
    }

    #[test]
    fn the_dimension_of_spheres_is_estimated_within_a_tenth() {
        let mut rng = Rng::seed_from_u64(1);
        for d in 2..=10 {
            // On the sphere of d dimensions in d + 1, which has no boundary, turned into fifty.
            let mut points = matrix(1500, d + 1, &mut rng);
            for point in &mut points {
                let norm = point.iter().map(|v| v * v).sum::<f64>().sqrt();
                point.iter_mut().for_each(|v| *v /= norm);
            }
            let mut turned = vec![vec![0.0; 50]; d + 1];
            (0..=d).for_each(|i| (0..4).for_each(|j| turned[i][4 * i + j] = [0.5, -0.5, 0.5, 0.5][j]));
            let estimate = intrinsic_dimension(&flat(&times(&points, &turned)), 50, 4);
            assert!((estimate / d as f64 - 1.0).abs() < 0.1, "{d}: {estimate}");
        }
    }

    #[test]
    fn options_of_two_ranks_are_parted_by_rank() {
        let mut rng = Rng::seed_from_u64(2);
        let inputs = matrix(200, 16, &mut rng);
        let profile = |rank: usize, rng: &mut Rng| {
            let outputs = times(&times(&inputs, &matrix(16, rank, rng)), &matrix(rank, 16, rng));
            vec![intrinsic_dimension(&flat(&outputs), 16, NEIGHBOURS)]
        };
        let profiles: Vec<Vec<f64>> = [2, 9, 9, 2].map(|rank| profile(rank, &mut rng)).into();
        assert_eq!(balanced_cut(&alike(&profiles)).0, [0, 1, 1, 0]);
        assert_eq!(intrinsic_dimension(&[1.0; 40], 2, 3), 0.0);
    }
}
