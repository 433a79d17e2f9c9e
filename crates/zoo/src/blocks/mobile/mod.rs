//! Networks of inverted residuals, each a table of stages: MobileNet, MnasNet, EfficientNet, FBNet, MixNet and others.

mod elastic;
mod ends;
mod multi_query;
mod table;
mod trunk;

pub(crate) use elastic::{elastic, stage};
pub(crate) use ends::{DEPTH, Hidden, LAYERS, WIDTH, conv_head, pooled_head, set_layers, stem};
pub(crate) use table::{Blocks, attention, conv, fused, inverted, mixed, separable, universal};
pub(crate) use trunk::{Squeezing, Trunk};
