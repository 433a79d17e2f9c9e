//! One-shot search: sampled sub-networks of one bank of weights.
