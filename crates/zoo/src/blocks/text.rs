//! The ends of encoders of text.

use super::first_token;
use crate::{Net, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{
    Add, Function, LayerNorm, Linear, PositionEmbedding, Reshape, Slice, TokenEmbedding,
};

/// Segments that a text has at most.
const SEGMENTS: usize = 2;

/// `[n, 2]` numbers of tokens and segments to `[n, width]`: the sum of a token's, its segment's and its position's vector,
/// normalised (Devlin et al. 2019, figure 2). There are vectors for `positions` positions.
pub(crate) fn embeddings(
    net: &mut Net,
    vocabulary: usize,
    positions: usize,
    width: usize,
    norm: &LayerNorm,
) -> Result<(), ZooError> {
    let x = net.at;
    let words = vectors(net, 0, vocabulary, width)?;
    net.at = x;
    let segments = vectors(net, 1, SEGMENTS, width)?;
    net.join(Add, &[words, segments])?;
    net.push(PositionEmbedding { rows: Some(positions) })?;
    net.push(norm.clone())?;
    Ok(())
}

/// Learned vectors for one column of `[n, columns]`.
fn vectors(net: &mut Net, column: usize, vocabulary: usize, width: usize) -> Result<NodeId, ZooError> {
    let tokens = net.shape().spatial().to_vec();
    net.push(Slice { start: column, end: column + 1 })?;
    net.push(Reshape(tokens))?;
    Ok(net.push(TokenEmbedding { vocabulary, width })?)
}

/// The answers for a text from its first token: a layer with tanh, and one to the answers (Devlin et al. 2019, section 4.1).
pub(crate) fn answer_of_first_token(net: &mut Net) -> Result<NodeId, ZooError> {
    first_token(net)?;
    let width = net.channels();
    net.push(Linear::new(width))?;
    net.activate(Function::Tanh)?;
    Ok(net.classifier()?)
}
