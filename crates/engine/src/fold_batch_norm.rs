//! Folding of batch normalisation into the layers before it, for inference.

use crate::{ParamStore, Real};
use nasmyth_graph::ops::BatchNorm;
use nasmyth_graph::{Node, VerifiedGraph, passes};

/// The network that infers what `graph` with `params` infers, without batch norms and scales that follow a layer (see
/// [`passes::fold_batch_norm`]): with `y = scale x + shift` after it, a layer's weight becomes `scale weight` and its bias
/// `scale bias + shift`, computed in f64. Outputs differ by rounding. Not for training.
///
/// # Panics
/// If `params` are those of another graph.
pub fn fold_batch_norm<T: Real>(
    graph: &VerifiedGraph,
    params: &ParamStore<T>,
) -> (VerifiedGraph, ParamStore<T>) {
    let (graph, folded) = passes::fold_batch_norm(graph);
    let mut new = ParamStore::taken_over(&graph, params);
    for layer in folded {
        let Some(maps) = layer.maps.iter().map(|map| maps(map, params)).reduce(composed) else { continue };
        let mut change = |name: &str, f: fn(f64, &Map) -> f64| {
            let values = new.get_mut(&format!("{}.{name}", layer.layer)).into_iter().flatten();
            values.zip(maps.iter().cycle()).for_each(|(v, map)| *v = T::of(f(v.f64(), map)));
        };
        change("weight", |w, map| map.scale * w); // [.., out]
        change("bias", |b, map| map.scale * b + map.shift);
    }
    (graph, new)
}

/// `y = scale x + shift`.
pub(crate) struct Map {
    pub scale: f64,
    pub shift: f64,
}

/// What a node does to each channel at inference.
pub(crate) fn maps<T: Real>(node: &Node, params: &ParamStore<T>) -> Vec<Map> {
    let param = |name: &str| {
        let values = params.get(&format!("{}.{name}", node.name)).expect("a parameter of this graph");
        values.iter().map(|v| v.f64())
    };
    if let Some(norm) = node.op.downcast::<BatchNorm>() {
        let map = |((gamma, beta), (mean, variance)): ((f64, f64), (f64, f64))| {
            let scale = gamma / (variance + norm.eps).sqrt();
            Map { scale, shift: beta - mean * scale }
        };
        return param("gamma")
            .zip(param("beta"))
            .zip(param("mean").zip(param("variance")))
            .map(map)
            .collect();
    }
    param("gamma").map(|scale| Map { scale, shift: 0.0 }).collect()
}

/// First one, then the other.
fn composed(first: Vec<Map>, then: Vec<Map>) -> Vec<Map> {
    let one = |(a, b): (Map, Map)| Map { scale: b.scale * a.scale, shift: b.scale * a.shift + b.shift };
    first.into_iter().zip(then).map(one).collect()
}
