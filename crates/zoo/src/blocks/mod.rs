//! Compositions that families share, each written once.

mod cells;
mod text;
mod transformer;

pub(crate) use cells::{Edge, Genotype, cell};
pub(crate) use text::{answer_of_first_token, embeddings};
pub(crate) use transformer::{EncoderLayer, NormOrder, SelfAttention, first_token};
