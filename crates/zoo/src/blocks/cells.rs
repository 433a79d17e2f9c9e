//! Cells in the form of DARTS (Liu et al. 2019, section 2.1).

use crate::{Net, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{Add, Concat, Function, Permute, Pool, Pooling, Reshape, Slice};

/// Operator of an edge (section 3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// 3x3 maximum.
    MaxPool3,
    /// 3x3 average.
    AvgPool3,
    /// The value itself.
    Skip,
    /// 3x3 separable convolution, twice.
    SepConv3,
    /// 5x5 separable convolution, twice.
    SepConv5,
    /// 3x3 separable convolution with dilation 2.
    DilConv3,
    /// 5x5 separable convolution with dilation 2.
    DilConv5,
}

/// Nodes of a cell; each has two edges.
const NODES: usize = 4;

/// The edges of the nodes, two for each in turn: operator and origin, 0 and 1 for the inputs, 2 for the first node and so on.
pub(crate) type Cell = [(Edge, usize); 2 * NODES];

/// What a search finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Genotype {
    /// Cell that keeps the size.
    pub normal: Cell,
    /// Cell that halves it.
    pub reduce: Cell,
}

/// Appends a cell of the current value and the one `before` it, of which each node has `channels`. Edges from the inputs have
/// the stride.
pub(crate) fn cell(
    net: &mut Net,
    edges: &Cell,
    before: NodeId,
    channels: usize,
    stride: usize,
) -> Result<NodeId, ZooError> {
    let last = net.at;
    net.at = before;
    if net.shape().spatial() == net.graph.fact(last).spatial() {
        relu_conv_bn(net, channels)?;
    } else {
        halve(net, channels)?;
    }
    let first = std::mem::replace(&mut net.at, last);
    let second = relu_conv_bn(net, channels)?;
    let mut states = vec![first, second];
    for pair in edges.chunks_exact(2) {
        let mut terms = [first; 2];
        for (term, &(edge, from)) in terms.iter_mut().zip(pair) {
            net.at = states[from];
            *term = edge.apply(net, if from < 2 { stride } else { 1 })?;
        }
        states.push(net.join(Add, &terms)?);
    }
    Ok(net.join(Concat, &states[2..])?)
}

impl Edge {
    fn apply(self, net: &mut Net, stride: usize) -> Result<NodeId, ZooError> {
        let pool = |pooling| Pool { stride: vec![stride; 2], ..Pool::same(pooling, &[3, 3]) };
        match self {
            Self::MaxPool3 => Ok(net.push(pool(Pooling::Max))?),
            Self::AvgPool3 => Ok(net.push(pool(Pooling::Average))?),
            Self::Skip if stride == 1 => Ok(net.at),
            Self::Skip => halve(net, net.channels()),
            Self::SepConv3 => {
                separable(net, 3, stride, 1)?;
                separable(net, 3, 1, 1)
            }
            Self::SepConv5 => {
                separable(net, 5, stride, 1)?;
                separable(net, 5, 1, 1)
            }
            Self::DilConv3 => separable(net, 3, stride, 2),
            Self::DilConv5 => separable(net, 5, stride, 2),
        }
    }
}

/// ReLU, depthwise and 1x1 convolution, batch norm.
fn separable(net: &mut Net, kernel: usize, stride: usize, dilation: usize) -> Result<NodeId, ZooError> {
    let channels = net.channels();
    net.activate(Function::Relu)?;
    net.conv(Net::window(channels, kernel, stride).dilation(dilation).groups(channels))?;
    Ok(net.conv_bn(Net::window(channels, 1, 1))?)
}

fn relu_conv_bn(net: &mut Net, out: usize) -> Result<NodeId, ZooError> {
    net.activate(Function::Relu)?;
    Ok(net.conv_bn(Net::window(out, 1, 1))?)
}

/// Half the size: ReLU, a 1x1 convolution of the even rows and columns, one of the odd ones, batch norm over both. Published networks
/// have no odd sizes; there, both see the even rows and columns.
fn halve(net: &mut Net, out: usize) -> Result<NodeId, ZooError> {
    let x = net.activate(Function::Relu)?;
    let even = net.conv(Net::window(out / 2, 1, 2))?;
    net.at = x;
    let odd = Net::window(out - out / 2, 1, 2);
    let odd = match net.shape().shape() {
        &[h, w, c] if h % 2 == 0 && w % 2 == 0 => {
            net.push(Reshape(vec![h / 2, 2, w / 2, 2, c]))?;
            net.push(Permute(vec![0, 2, 1, 3, 4]))?;
            net.push(Reshape(vec![h / 2, w / 2, 4 * c]))?;
            net.push(Slice { start: 3 * c, end: 4 * c })?;
            net.conv(odd.stride(1))?
        }
        _ => net.conv(odd)?,
    };
    net.join(Concat, &[even, odd])?;
    Ok(net.batch_norm()?)
}
