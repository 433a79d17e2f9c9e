//! Weight sharing: one bank of weights for all networks of a space, one-shot and differentiable search.

pub mod one_shot;
pub mod relaxed;
