//! Parallel linear branches, which at inference are one convolution (Ding et al. 2021; Vasu et al. 2023).

use crate::{Net, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{Add, Conv};

/// The sum of `count` times this convolution, a 1x1 convolution of its stride and groups if it is larger, and the value itself if its
/// shape stays; batch norm after each. Activation is the caller's.
pub(crate) fn branches(net: &mut Net, conv: Conv, count: usize) -> Result<NodeId, ZooError> {
    let from = net.at;
    let mut all = Vec::new();
    if conv.out == net.channels() && conv.stride.iter().all(|&s| s == 1) {
        all.push(net.batch_norm()?);
    }
    if conv.kernel.iter().any(|&k| k != 1) {
        net.at = from;
        let pointwise = Net::window(conv.out, 1, 1).groups(conv.groups);
        all.push(net.conv_bn(Conv { stride: conv.stride.clone(), ..pointwise })?);
    }
    for _ in 0..count {
        net.at = from;
        all.push(net.conv_bn(conv.clone())?);
    }
    match all[..] {
        [_] => Ok(net.at),
        _ => Ok(net.join(Add, &all)?),
    }
}
