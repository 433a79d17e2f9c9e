//! Mobile multi-query attention.

use crate::{Net, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{Add, MatMul, Reshape, Scale, Softmax};

/// Mobile multi-query attention (Qin et al. 2024, section 5): all heads share keys and values, which a depthwise 3x3 convolution
/// makes sparser by `stride` first. Then a learned scale, if given, and a shortcut where shapes agree.
pub(super) fn multi_query_attention(
    net: &mut Net,
    (heads, width, stride): (usize, usize, usize),
    out: usize,
    scale: Option<f64>,
) -> Result<NodeId, ZooError> {
    let from = net.at;
    let x = net.batch_norm()?;
    let spatial = net.shape().spatial().to_vec();
    let positions: usize = spatial.iter().product();
    net.conv(Net::window(heads * width, 1, 1))?;
    let queries = net.push(Reshape(vec![positions * heads, width]))?;
    let keys = sparse(net, x, width, stride)?;
    let values = sparse(net, x, width, stride)?;
    net.join(MatMul { transpose_b: true, factor: (width as f64).sqrt().recip() }, &[queries, keys])?;
    let weights = net.push(Softmax)?;
    net.join(MatMul::default(), &[weights, values])?;
    net.push(Reshape([&spatial[..], &[heads * width]].concat()))?;
    net.conv(Net::window(out, 1, 1))?;
    if let Some(init) = scale {
        net.push(Scale { init })?;
    }
    if net.shape() == net.graph.fact(from) {
        net.join(Add, &[from, net.at])?;
    }
    Ok(net.at)
}

/// One head of keys or values, `[positions, width]`.
fn sparse(net: &mut Net, x: NodeId, width: usize, stride: usize) -> Result<NodeId, ZooError> {
    net.at = x;
    if stride > 1 {
        let channels = net.channels();
        net.conv_bn(Net::window(channels, 3, stride).groups(channels))?;
    }
    net.conv(Net::window(width, 1, 1))?;
    let positions = net.shape().spatial().iter().product();
    Ok(net.push(Reshape(vec![positions, width]))?)
}
