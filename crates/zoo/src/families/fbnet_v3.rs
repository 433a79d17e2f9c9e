//! FBNetV3: network and training recipe searched together (Dai, Wan, Zhang, Wu, He, Wei, Chen, Tian, Yu, Vajda and Gonzalez 2021).
//! Tables as in timm, which follow the authors' models B, D and G.

use crate::blocks::mobile::{
    Blocks, DEPTH, Hidden, Squeezing, Trunk, WIDTH, conv, inverted, pooled_head, separable, stem,
};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::Function;

pub(super) const FAMILY: Family = Family {
    name: "fbnetv3",
    doc: "Inverted residuals with hard swish, found together with their training recipe.",
    paper: "Dai, Wan, Zhang, Wu, He, Wei, Chen, Tian, Yu, Vajda and Gonzalez 2021, FBNetV3: Joint Architecture-Recipe Search using Predictor Pretraining",
    data: Data::Images,
    knobs: &[Knob::word("table", "which network", "b", &["b", "d", "g"]), WIDTH, DEPTH],
    members: &[
        Member::new("fbnetv3_b", 224, ""),
        Member::new("fbnetv3_d", 224, "table=d"),
        Member::new("fbnetv3_g", 240, "table=g"),
    ],
    build,
};

const B: &[&[Blocks]] = &[
    &[separable(3, 16).times(2)],
    &[inverted(5, 4.0, 24).stride(2), inverted(5, 2.0, 24).times(3)],
    &[inverted(5, 5.0, 40).stride(2).squeeze(0.25), inverted(5, 3.0, 40).times(4).squeeze(0.25)],
    &[inverted(5, 5.0, 72).stride(2), inverted(3, 3.0, 72).times(4)],
    &[inverted(3, 5.0, 120).squeeze(0.25), inverted(5, 3.0, 120).times(5).squeeze(0.25)],
    &[
        inverted(3, 6.0, 184).stride(2).squeeze(0.25),
        inverted(5, 4.0, 184).times(5).squeeze(0.25),
        inverted(5, 6.0, 224).squeeze(0.25),
    ],
    &[conv(1, 1344)],
];

const D: &[&[Blocks]] = &[
    &[separable(3, 16).times(2)],
    &[inverted(3, 5.0, 24).stride(2), inverted(3, 2.0, 24).times(5)],
    &[inverted(5, 4.0, 40).stride(2).squeeze(0.25), inverted(3, 3.0, 40).times(4).squeeze(0.25)],
    &[inverted(3, 5.0, 72).stride(2), inverted(3, 3.0, 72).times(4)],
    &[inverted(3, 5.0, 128).squeeze(0.25), inverted(5, 3.0, 128).times(6).squeeze(0.25)],
    &[
        inverted(3, 6.0, 208).stride(2).squeeze(0.25),
        inverted(5, 5.0, 208).times(5).squeeze(0.25),
        inverted(5, 6.0, 240).squeeze(0.25),
    ],
    &[conv(1, 1440)],
];

const G: &[&[Blocks]] = &[
    &[separable(3, 24).times(3)],
    &[inverted(5, 4.0, 40).stride(2), inverted(5, 2.0, 40).times(4)],
    &[inverted(5, 4.0, 56).stride(2).squeeze(0.25), inverted(5, 3.0, 56).times(4).squeeze(0.25)],
    &[inverted(5, 5.0, 104).stride(2), inverted(3, 3.0, 104).times(4)],
    &[inverted(3, 5.0, 160).squeeze(0.25), inverted(5, 3.0, 160).times(8).squeeze(0.25)],
    &[
        inverted(3, 6.0, 264).stride(2).squeeze(0.25),
        inverted(5, 5.0, 264).times(6).squeeze(0.25),
        inverted(5, 6.0, 288).times(2).squeeze(0.25),
    ],
    &[conv(1, 1728)],
];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let width = numbers.real("width")?;
    // A share of the input in multiples of 8, which timm multiplies by the width once more.
    let squeezing = Squeezing { factor: width, divisor: 8, gate: Function::HardSigmoid, ..Squeezing::INPUT };
    let trunk = Trunk { limit: 0.95, squeezing, ..Trunk::new(width, numbers.real("depth")?) };
    let (first, table) = match numbers.word("table")? {
        "b" => (16, B),
        "d" => (24, D),
        _ => (32, G),
    };
    net.style.act = Function::HardSwish;
    stem(net, trunk.channels(first))?;
    trunk.build(net, table)?;
    pooled_head(net, 1984, Hidden::Plain)
}
