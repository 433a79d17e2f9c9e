//! Transformer encoders (Vaswani et al. 2017). Tokens are `[.., n, c]`; leading axes hold sequences that do not see each other.

use crate::{Net, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{
    Activation, Add, Function, LayerNorm, Linear, MatMul, Permute, Reshape, Scale, Slice, Softmax,
};

/// Multi-head self-attention (section 3.2.2).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SelfAttention {
    /// Heads.
    pub heads: usize,
    /// Width of a head.
    pub width: usize,
    /// Whether queries, keys and values come from one linear layer instead of three.
    pub joint: bool,
}

impl SelfAttention {
    /// Appends it, as wide as its input.
    pub fn apply(&self, net: &mut Net) -> Result<NodeId, ZooError> {
        let (tokens, channels) = (net.shape().spatial().to_vec(), net.channels());
        let [queries, keys, values] = self.projections(net)?;
        net.join(MatMul { transpose_b: true, factor: (self.width as f64).sqrt().recip() }, &[queries, keys])?;
        let weights = net.push(Softmax)?;
        net.join(MatMul::default(), &[weights, values])?;
        net.push(Permute(exchanged(tokens.len())))?;
        net.push(Reshape([&tokens[..], &[self.heads * self.width]].concat()))?;
        Ok(net.push(Linear::new(channels))?)
    }

    /// Queries, keys and values `[.., heads, n, width]`.
    fn projections(&self, net: &mut Net) -> Result<[NodeId; 3], ZooError> {
        let inner = self.heads * self.width;
        if self.joint {
            net.push(Linear::new(3 * inner))?;
        }
        let x = net.at;
        let mut projections = [x; 3];
        for (i, projection) in projections.iter_mut().enumerate() {
            net.at = x;
            if self.joint {
                net.push(Slice { start: i * inner, end: (i + 1) * inner })?;
            } else {
                net.push(Linear::new(inner))?;
            }
            let tokens = net.shape().spatial().to_vec();
            net.push(Reshape([&tokens[..], &[self.heads, self.width]].concat()))?;
            *projection = net.push(Permute(exchanged(tokens.len())))?;
        }
        Ok(projections)
    }
}

/// The order of `axes + 2` axes in which tokens and heads, the two before the last, are exchanged.
fn exchanged(axes: usize) -> Vec<usize> {
    (0..axes - 1).chain([axes, axes - 1, axes + 1]).collect()
}

/// Where the norms of a layer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NormOrder {
    /// First in each branch.
    Pre,
    /// After each sum.
    Post,
}

/// Attention and a perceptron at each token, both with a shortcut.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EncoderLayer {
    /// First branch.
    pub attention: SelfAttention,
    /// Inner width of the perceptron.
    pub inner: usize,
    /// Activation of the perceptron.
    pub act: Function,
    /// Norm.
    pub norm: LayerNorm,
    /// Where the norms are.
    pub order: NormOrder,
    /// Begin of the learned scales at the end of branches (Touvron et al. 2021b), if there are any.
    pub scale: Option<f64>,
}

impl EncoderLayer {
    /// Appends it.
    pub fn apply(&self, net: &mut Net) -> Result<(), ZooError> {
        self.residual(net, |net| self.attention.apply(net))?;
        self.residual(net, |net| {
            let channels = net.channels();
            net.push(Linear::new(self.inner))?;
            net.push(Activation(self.act))?;
            Ok(net.push(Linear::new(channels))?)
        })
    }

    fn residual(
        &self,
        net: &mut Net,
        branch: impl FnOnce(&mut Net) -> Result<NodeId, ZooError>,
    ) -> Result<(), ZooError> {
        let x = net.at;
        if self.order == NormOrder::Pre {
            net.push(self.norm.clone())?;
        }
        branch(net)?;
        if let Some(init) = self.scale {
            net.push(Scale { init })?;
        }
        net.join(Add, &[x, net.at])?;
        if self.order == NormOrder::Post {
            net.push(self.norm.clone())?;
        }
        Ok(())
    }
}

/// The first of the tokens `[n, c]`, as `[c]`.
pub(crate) fn first_token(net: &mut Net) -> Result<NodeId, ZooError> {
    let channels = net.channels();
    net.push(Permute(vec![1, 0]))?;
    net.push(Slice { start: 0, end: 1 })?;
    Ok(net.push(Reshape(vec![channels]))?)
}
