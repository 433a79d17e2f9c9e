//! MixNet: depthwise convolutions with several windows at once, each for a share of the channels (Tan and Le 2019; S and M are figure
//! 5, L is M with 1.3 times the channels). Some 1x1 convolutions are in two shares as well (the authors' code). XL and XXL come from
//! timm.

use crate::blocks::mobile::{
    Blocks, DEPTH, LAYERS, Trunk, WIDTH, conv_head, inverted, mixed, separable, set_layers, stem,
};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::Function::Silu;

pub(super) const FAMILY: Family = Family {
    name: "mixnet",
    doc: "Inverted residuals whose depthwise convolutions mix windows of several sizes.",
    paper: "Tan and Le 2019, MixConv: Mixed Depthwise Convolutional Kernels",
    data: Data::Images,
    knobs: &[Knob::word("table", "which network", "s", &["s", "m"]), WIDTH, DEPTH, LAYERS],
    members: &[
        Member::new("mixnet_s", 224, ""),
        Member::new("mixnet_m", 224, "table=m"),
        Member::new("mixnet_l", 224, "table=m,width=1.3"),
        Member::new("mixnet_xl", 224, "table=m,width=1.6,depth=1.2"),
        Member::new("mixnet_xxl", 224, "table=m,width=2.4,depth=1.3"),
        Member::new("tf_mixnet_s", 224, "layers=tensorflow"),
        Member::new("tf_mixnet_m", 224, "table=m,layers=tensorflow"),
        Member::new("tf_mixnet_l", 224, "table=m,width=1.3,layers=tensorflow"),
    ],
    build,
};

const S: &[&[Blocks]] = &[
    &[separable(3, 16)],
    &[mixed((2, &[3], 2), 6.0, 24).stride(2), mixed((2, &[3], 2), 3.0, 24)],
    &[
        mixed((1, &[3, 5, 7], 1), 6.0, 40).stride(2).squeeze(0.5).act(Silu),
        mixed((2, &[3, 5], 2), 6.0, 40).times(3).squeeze(0.5).act(Silu),
    ],
    &[
        mixed((1, &[3, 5, 7], 2), 6.0, 80).stride(2).squeeze(0.25).act(Silu),
        mixed((1, &[3, 5], 2), 6.0, 80).times(2).squeeze(0.25).act(Silu),
    ],
    &[
        mixed((2, &[3, 5, 7], 2), 6.0, 120).squeeze(0.5).act(Silu),
        mixed((2, &[3, 5, 7, 9], 2), 3.0, 120).times(2).squeeze(0.5).act(Silu),
    ],
    &[
        mixed((1, &[3, 5, 7, 9, 11], 1), 6.0, 200).stride(2).squeeze(0.5).act(Silu),
        mixed((1, &[3, 5, 7, 9], 2), 6.0, 200).times(2).squeeze(0.5).act(Silu),
    ],
];

const M: &[&[Blocks]] = &[
    &[separable(3, 24)],
    &[mixed((2, &[3, 5, 7], 2), 6.0, 32).stride(2), mixed((2, &[3], 2), 3.0, 32)],
    &[
        mixed((1, &[3, 5, 7, 9], 1), 6.0, 40).stride(2).squeeze(0.5).act(Silu),
        mixed((2, &[3, 5], 2), 6.0, 40).times(3).squeeze(0.5).act(Silu),
    ],
    &[
        mixed((1, &[3, 5, 7], 1), 6.0, 80).stride(2).squeeze(0.25).act(Silu),
        mixed((2, &[3, 5, 7, 9], 2), 6.0, 80).times(3).squeeze(0.25).act(Silu),
    ],
    &[
        inverted(3, 6.0, 120).squeeze(0.5).act(Silu),
        mixed((2, &[3, 5, 7, 9], 2), 3.0, 120).times(3).squeeze(0.5).act(Silu),
    ],
    &[
        mixed((1, &[3, 5, 7, 9], 1), 6.0, 200).stride(2).squeeze(0.5).act(Silu),
        mixed((1, &[3, 5, 7, 9], 2), 6.0, 200).times(3).squeeze(0.5).act(Silu),
    ],
];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let trunk = Trunk { nearest: true, ..Trunk::new(numbers.real("width")?, numbers.real("depth")?) };
    let (first, table) = if numbers.word("table")? == "s" { (16, S) } else { (24, M) };
    set_layers(net, numbers)?;
    stem(net, trunk.channels(first))?;
    trunk.build(net, table)?;
    conv_head(net, 1536)
}
