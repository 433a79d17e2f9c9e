//! What several families are made of, each written once.

mod attention;
mod branches;
mod cells;
pub(crate) mod mobile;
mod patches;
mod residual;
mod text;
mod transformer;

pub(crate) use attention::Attention;
pub(crate) use branches::branches;
pub(crate) use cells::{Edge, Genotype, cell};
pub(crate) use patches::{depthwise_perceptron, patches};
pub(crate) use residual::{Halving, Residual, Shortcut, basic, bottleneck, mean_of_halves};
pub(crate) use text::{answer_of_first_token, embeddings};
pub(crate) use transformer::{EncoderLayer, NormOrder, SelfAttention, first_token};
