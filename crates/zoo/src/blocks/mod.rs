//! What several families are made of, each written once.

pub(crate) mod mobile;
