//! Merging of linear layers for inference.

use crate::fold_batch_norm::{Map, maps};
use crate::{ParamStore, Real, fold_batch_norm};
use nasmyth_graph::passes::{self, Branch, Merge, simplify};
use nasmyth_graph::{Node, VerifiedGraph};

/// The network that infers what `graph` with `params` infers, in the form in which RepVGG and MobileOne are deployed: batch norms are
/// [folded](fold_batch_norm()), and convolutions that are added up or follow each other are one (see [`passes::reparametrise`]).
/// Sums are computed in f64; outputs differ by rounding. Not for training.
///
/// # Panics
/// If `params` are those of another graph.
pub fn reparametrise<T: Real>(
    graph: &VerifiedGraph,
    params: &ParamStore<T>,
) -> (VerifiedGraph, ParamStore<T>) {
    let (mut graph, mut params) = (graph.clone(), params.clone());
    loop {
        (graph, params) = fold_batch_norm(&simplify(&graph), &params);
        let (next, merges) = passes::reparametrise(&graph);
        if merges.is_empty() {
            return (graph, params);
        }
        let mut new = ParamStore::taken_over(&next, &params);
        for merge in &merges {
            match merge {
                Merge::Sum { layer, window, branches } => sum((layer, *window, branches), &params, &mut new),
                Merge::Chain { layer, first } => chain(layer, first, &params, &mut new),
            }
        }
        (graph, params) = (next, new);
    }
}

/// Values of a node's parameter in f64; none if it has no such parameter.
fn values<T: Real>(params: &ParamStore<T>, node: &str, name: &str) -> Vec<f64> {
    params.get(&format!("{node}.{name}")).into_iter().flatten().map(|v| v.f64()).collect()
}

fn store<T: Real>(params: &mut ParamStore<T>, node: &str, name: &str, values: &[f64]) {
    let to = params.get_mut(&format!("{node}.{name}")).into_iter().flatten();
    to.zip(values).for_each(|(to, &v)| *to = T::of(v));
}

/// A sum's weight is the sum of weights, each at its taps; its bias the sum of biases.
fn sum<T: Real>(merge: (&str, usize, &[Branch]), old: &ParamStore<T>, new: &mut ParamStore<T>) {
    let (layer, window, branches) = merge;
    let mut weight = values(new, layer, "weight"); // [taps, in / groups, out]
    let mut bias = values(new, layer, "bias");
    let tap = weight.len() / window;
    for Branch { node, taps } in branches {
        let kernel = node.as_ref().map(|n| values(old, &n.name, "weight")).filter(|w| !w.is_empty());
        if let (Some(node), Some(kernel)) = (node, kernel) {
            for (from, &to) in kernel.chunks(tap).zip(taps) {
                add(&mut weight[to * tap..][..tap], from);
            }
            add(&mut bias, &values(old, &node.name, "bias"));
            continue;
        }
        let itself = || bias.iter().map(|_| Map { scale: 1.0, shift: 0.0 }).collect();
        let maps = node.as_ref().map_or_else(itself, |node| maps(node, old));
        add_maps(&mut weight[taps[0] * tap..][..tap], &mut bias, &maps);
    }
    store(new, layer, "weight", &weight);
    store(new, layer, "bias", &bias);
}

fn add(to: &mut [f64], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

/// Adds maps of channels: the diagonal of a tap, `[in / groups, out]`.
fn add_maps(tap: &mut [f64], bias: &mut [f64], maps: &[Map]) {
    let out = bias.len();
    let per_group = tap.len() / out;
    for (channel, map) in maps.iter().enumerate() {
        tap[channel % per_group * out + channel] += map.scale;
        bias[channel] += map.shift;
    }
}

/// Two layers in a row: the product of their weights.
fn chain<T: Real>(layer: &str, first: &Node, old: &ParamStore<T>, new: &mut ParamStore<T>) {
    let second = values(old, layer, "weight"); // [middle, out]
    let inner = values(old, &first.name, "bias");
    let out = second.len() / first.fact.channels();
    let product = |row: &[f64]| -> Vec<f64> {
        let mut sums = vec![0.0; out];
        for (x, weights) in row.iter().zip(second.chunks(out)) {
            sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum += x * w);
        }
        sums
    };
    let rows = values(old, &first.name, "weight"); // [.., in, middle]
    let weight: Vec<f64> = rows.chunks(first.fact.channels()).flat_map(product).collect();
    let mut bias = if inner.is_empty() { vec![0.0; out] } else { product(&inner) };
    add(&mut bias, &values(old, layer, "bias"));
    store(new, layer, "weight", &weight);
    store(new, layer, "bias", &bias);
}
