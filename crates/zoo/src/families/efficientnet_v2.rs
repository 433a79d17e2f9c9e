//! EfficientNetV2: fused blocks in the early stages, smaller expansions and windows (Tan and Le 2021). S is table 4; M, L and XL are
//! scaled unevenly, later stages more (section 3.3). B0 to B3 have the widths and depths of EfficientNet on a base of their own, with
//! widths rounded to the nearest multiple of 8 whatever is lost (the authors' code). Members `rw` come from timm.

use crate::blocks::mobile::{
    Blocks, LAYERS, Trunk, WIDTH, conv, conv_head, fused, inverted, set_layers, stem,
};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::Function;

pub(super) const FAMILY: Family = Family {
    name: "efficientnetv2",
    doc: "EfficientNet with fused inverted residuals in the early stages.",
    paper: "Tan and Le 2021, EfficientNetV2: Smaller Models and Faster Training",
    data: Data::Images,
    knobs: &[
        Knob::word("table", "which network is scaled", "s", &["base", "s", "m", "l", "xl", "rw"]).fixed(),
        WIDTH,
        Knob::reals(
            "depth",
            "factor of the blocks of all stages, or one for each",
            "1.0",
            (1, 7),
            (0.1, 8.0),
        )
        .searched_reals(&[0.25, 0.5, 0.75, 1.0, 1.2]),
        LAYERS,
    ],
    members: &[
        Member::new("efficientnetv2_s", 288, ""),
        Member::new("efficientnetv2_m", 320, "table=m"),
        Member::new("efficientnetv2_l", 384, "table=l"),
        Member::new("efficientnetv2_xl", 384, "table=xl"),
        Member::new("efficientnetv2_rw_t", 224, "width=0.8,depth=0.9"),
        Member::new("efficientnetv2_rw_s", 288, "table=rw"),
        Member::new("efficientnetv2_rw_m", 320, "table=rw,width=1.2,depth=1.2/1.2/1.2/1.2/1.6/1.6"),
        Member::new("tf_efficientnetv2_s", 300, "layers=tensorflow"),
        Member::new("tf_efficientnetv2_m", 384, "table=m,layers=tensorflow"),
        Member::new("tf_efficientnetv2_l", 384, "table=l,layers=tensorflow"),
        Member::new("tf_efficientnetv2_xl", 384, "table=xl,layers=tensorflow"),
        Member::new("tf_efficientnetv2_b0", 192, "table=base,layers=tensorflow"),
        Member::new("tf_efficientnetv2_b1", 192, "table=base,width=1.0,depth=1.1,layers=tensorflow"),
        Member::new("tf_efficientnetv2_b2", 208, "table=base,width=1.1,depth=1.2,layers=tensorflow"),
        Member::new("tf_efficientnetv2_b3", 240, "table=base,width=1.2,depth=1.4,layers=tensorflow"),
    ],
    build,
};

const BASE: &[&[Blocks]] = &[
    &[conv(3, 16).shortcut(true)],
    &[fused(3, 4.0, 32).stride(2).times(2)],
    &[fused(3, 4.0, 48).stride(2).times(2)],
    &[inverted(3, 4.0, 96).stride(2).times(3).squeeze(0.25)],
    &[inverted(3, 6.0, 112).times(5).squeeze(0.25)],
    &[inverted(3, 6.0, 192).stride(2).times(8).squeeze(0.25)],
];

/// Table 4.
const S: &[&[Blocks]] = &[
    &[conv(3, 24).times(2).shortcut(true)],
    &[fused(3, 4.0, 48).stride(2).times(4)],
    &[fused(3, 4.0, 64).stride(2).times(4)],
    &[inverted(3, 4.0, 128).stride(2).times(6).squeeze(0.25)],
    &[inverted(3, 6.0, 160).times(9).squeeze(0.25)],
    &[inverted(3, 6.0, 256).stride(2).times(15).squeeze(0.25)],
];

const M: &[&[Blocks]] = &[
    &[conv(3, 24).times(3).shortcut(true)],
    &[fused(3, 4.0, 48).stride(2).times(5)],
    &[fused(3, 4.0, 80).stride(2).times(5)],
    &[inverted(3, 4.0, 160).stride(2).times(7).squeeze(0.25)],
    &[inverted(3, 6.0, 176).times(14).squeeze(0.25)],
    &[inverted(3, 6.0, 304).stride(2).times(18).squeeze(0.25)],
    &[inverted(3, 6.0, 512).times(5).squeeze(0.25)],
];

const L: &[&[Blocks]] = &[
    &[conv(3, 32).times(4).shortcut(true)],
    &[fused(3, 4.0, 64).stride(2).times(7)],
    &[fused(3, 4.0, 96).stride(2).times(7)],
    &[inverted(3, 4.0, 192).stride(2).times(10).squeeze(0.25)],
    &[inverted(3, 6.0, 224).times(19).squeeze(0.25)],
    &[inverted(3, 6.0, 384).stride(2).times(25).squeeze(0.25)],
    &[inverted(3, 6.0, 640).times(7).squeeze(0.25)],
];

const XL: &[&[Blocks]] = &[
    &[conv(3, 32).times(4).shortcut(true)],
    &[fused(3, 4.0, 64).stride(2).times(8)],
    &[fused(3, 4.0, 96).stride(2).times(8)],
    &[inverted(3, 4.0, 192).stride(2).times(16).squeeze(0.25)],
    &[inverted(3, 6.0, 256).times(24).squeeze(0.25)],
    &[inverted(3, 6.0, 512).stride(2).times(32).squeeze(0.25)],
    &[inverted(3, 6.0, 640).times(8).squeeze(0.25)],
];

/// S as it was understood from the paper before its code was published.
const RW: &[&[Blocks]] = &[
    &[fused(3, 1.0, 24).times(2)],
    S[1],
    S[2],
    S[3],
    S[4],
    &[inverted(3, 6.0, 272).stride(2).times(15).squeeze(0.25)],
];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let mut trunk = Trunk { depth: numbers.reals("depth")?, ..Trunk::new(numbers.real("width")?, 1.0) };
    let table = numbers.word("table")?;
    if table == "base" {
        trunk.limit = 0.0;
    }
    // Stages, channels of the first layer, channels of the last.
    let (stages, first, last) = match table {
        "base" => (BASE, 32, trunk.channels(1280)),
        "s" => (S, 24, trunk.channels(1280)),
        "m" => (M, 24, 1280),
        "l" => (L, 32, 1280),
        "xl" => (XL, 32, 1280),
        _ => (RW, 24, trunk.channels(1792)),
    };
    if trunk.depth.len() != 1 && trunk.depth.len() != stages.len() {
        return Err(numbers.wrong("depth", format!("one factor, or {} of them", stages.len())));
    }
    set_layers(net, numbers)?;
    net.style.act = Function::Silu;
    stem(net, trunk.channels(first))?;
    trunk.build(net, stages)?;
    conv_head(net, last)
}
