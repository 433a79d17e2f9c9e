//! Channels in another order.

use nasmyth_graph::ops::{Permute, Reshape};
use nasmyth_graph::{Graph, GraphError, NodeId};

/// Channel c of `groups` groups in a row goes to where each group is one in `groups` channels (Zhang et al. 2018, ShuffleNet,
/// section 3.1).
pub(super) fn shuffle(g: &mut Graph, x: NodeId, groups: usize) -> Result<NodeId, GraphError> {
    let shape = g.fact(x).shape().to_vec();
    let axes = shape.len() - 1;
    let apart = [&shape[..axes], &[groups, shape[axes] / groups]].concat();
    let y = g.push(Reshape(apart), &[x])?;
    let order: Vec<usize> = (0..axes).chain([axes + 1, axes]).collect();
    let y = g.push(Permute(order), &[y])?;
    g.push(Reshape(shape), &[y])
}
