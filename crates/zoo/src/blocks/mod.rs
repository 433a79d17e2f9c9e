//! What several families are made of, each written once.

mod cells;
pub(crate) mod mobile;
mod text;
mod transformer;

pub(crate) use cells::{Edge, Genotype, cell};
pub(crate) use text::{answer_of_first_token, embeddings};
pub(crate) use transformer::{EncoderLayer, NormOrder, SelfAttention, first_token};
