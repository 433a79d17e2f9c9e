//! A small network with everything that a mobile one has.

use super::values::{BATCH, parameter};
use nasmyth_engine::{ParamLayout, ParamStore};
use nasmyth_graph::blocks::{InvertedResidual, conv_bn_act, inverted_residual};
use nasmyth_graph::ops::{Conv, Function, GlobalPool, Linear, Pooling};
use nasmyth_graph::{Graph, GraphError, VerifiedGraph};

/// Elements of a batch of its inputs.
pub const INPUT: usize = BATCH * 6 * 5 * 3;

/// Elements of a batch of its outputs.
pub const OUTPUT: usize = BATCH * 3;

/// Stem, inverted residual with squeeze-excitation and shortcut, head.
pub fn network() -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("network");
    let x = g.input(&[6, 5, 3])?;
    let x = conv_bn_act(&mut g, x, Conv::same(8, &[3, 3]), Some(Function::HardSwish))?;
    let block = InvertedResidual::new(8, 2, 8, &[3, 3]).squeeze(0.25).act(Function::Silu);
    let y = inverted_residual(&mut g, x, &block)?;
    let y = g.push(GlobalPool(Pooling::Max), &[y])?;
    let y = g.push(Linear::new(3), &[y])?;
    g.output(y);
    g.verify()
}

/// The parameters of `graph`, each from its key.
pub fn parameters(graph: &VerifiedGraph) -> ParamStore<f64> {
    let mut params = ParamStore::new(graph, 0).map(f64::from);
    for entry in ParamLayout::of(graph).entries() {
        params.values_mut()[entry.range.clone()].copy_from_slice(&parameter(&entry.key, entry.range.len()));
    }
    params
}
