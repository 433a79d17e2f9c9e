//! Compositions that families share, each written once.

mod attention;
mod branches;
mod patches;
mod residual;

pub(crate) use attention::Attention;
pub(crate) use branches::branches;
pub(crate) use patches::{depthwise_perceptron, patches};
pub(crate) use residual::{Halving, Residual, Shortcut, basic, bottleneck, mean_of_halves};
