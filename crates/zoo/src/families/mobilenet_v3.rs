//! MobileNetV3: a searched network with squeeze-excitation, hard swish and a classifier behind the pooling (Howard et al. 2019,
//! tables 1 and 2). `minimal` has neither 5x5 windows, nor squeeze-excitation, nor hard swish (the authors' code).

use crate::blocks::mobile::{
    Blocks, DEPTH, Hidden, LAYERS, Squeezing, Trunk, WIDTH, conv, inverted, pooled_head, separable,
    set_layers, stem,
};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::Function::{HardSwish, Relu};

pub(super) const FAMILY: Family = Family {
    name: "mobilenetv3",
    doc: "Inverted residuals with squeeze-excitation and hard swish, found by a search for phones.",
    paper: "Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le and Adam 2019, Searching for MobileNetV3",
    data: Data::Images,
    knobs: &[
        Knob::word("table", "which table of the paper", "large", &["large", "small"]),
        WIDTH,
        DEPTH,
        Knob::word(
            "variant",
            "the searched network, or the one of plain layers",
            "searched",
            &["searched", "minimal"],
        ),
        LAYERS,
    ],
    members: &[
        Member::new("mobilenetv3_large_100", 224, ""),
        Member::new("mobilenetv3_large_075", 224, "width=0.75"),
        Member::new("mobilenetv3_large_150d", 256, "width=1.5,depth=1.2"),
        Member::new("mobilenetv3_small_050", 224, "table=small,width=0.5"),
        Member::new("mobilenetv3_small_075", 224, "table=small,width=0.75"),
        Member::new("mobilenetv3_small_100", 224, "table=small"),
        Member::new("tf_mobilenetv3_large_075", 224, "width=0.75,layers=tensorflow"),
        Member::new("tf_mobilenetv3_large_100", 224, "layers=tensorflow"),
        Member::new("tf_mobilenetv3_large_minimal_100", 224, "variant=minimal,layers=tensorflow"),
        Member::new("tf_mobilenetv3_small_075", 224, "table=small,width=0.75,layers=tensorflow"),
        Member::new("tf_mobilenetv3_small_100", 224, "table=small,layers=tensorflow"),
        Member::new("tf_mobilenetv3_small_minimal_100", 224, "table=small,variant=minimal,layers=tensorflow"),
    ],
    build,
};

/// Table 1.
const LARGE: &[&[Blocks]] = &[
    &[separable(3, 16).act(Relu)],
    &[inverted(3, 4.0, 24).stride(2).act(Relu), inverted(3, 3.0, 24).act(Relu)],
    &[inverted(5, 3.0, 40).stride(2).times(3).squeeze(0.25).act(Relu)],
    &[inverted(3, 6.0, 80).stride(2), inverted(3, 2.5, 80), inverted(3, 2.3, 80).times(2)],
    &[inverted(3, 6.0, 112).times(2).squeeze(0.25)],
    &[inverted(5, 6.0, 160).stride(2).times(3).squeeze(0.25)],
    &[conv(1, 960)],
];

/// Table 2.
const SMALL: &[&[Blocks]] = &[
    &[separable(3, 16).stride(2).squeeze(0.25).act(Relu)],
    &[inverted(3, 4.5, 24).stride(2).act(Relu), inverted(3, 3.67, 24).act(Relu)],
    &[inverted(5, 4.0, 40).stride(2).squeeze(0.25), inverted(5, 6.0, 40).times(2).squeeze(0.25)],
    &[inverted(5, 3.0, 48).times(2).squeeze(0.25)],
    &[inverted(5, 6.0, 96).stride(2).times(3).squeeze(0.25)],
    &[conv(1, 576)],
];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let small = numbers.word("table")? == "small";
    let minimal = numbers.word("variant")? == "minimal";
    let width = numbers.real("width")?;
    let trunk = Trunk { squeezing: Squeezing::MIDDLE, ..Trunk::new(width, numbers.real("depth")?) };
    let plain = |line: &Blocks| if minimal { line.plain() } else { *line };
    let table = if small { SMALL } else { LARGE };
    let stages: Vec<Vec<Blocks>> = table.iter().map(|stage| stage.iter().map(plain).collect()).collect();
    set_layers(net, numbers)?;
    net.style.act = if minimal { Relu } else { HardSwish };
    stem(net, if width < 0.75 { 16 } else { trunk.channels(16) })?;
    trunk.build(net, &stages)?;
    pooled_head(net, if small { 1024 } else { 1280 }, Hidden::Bias)
}
