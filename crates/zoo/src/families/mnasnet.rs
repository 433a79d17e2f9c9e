//! MnasNet: searched with the latency of a phone in the reward (Tan, Chen, Pang, Vasudevan, Sandler, Howard and Le 2019). A1 is
//! figure 7; B1 is searched without squeeze-excitation; the small one is that of section 5.2 (the authors' code).

use crate::blocks::mobile::{Blocks, DEPTH, Trunk, WIDTH, conv_head, inverted, separable, stem};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};

pub(super) const FAMILY: Family = Family {
    name: "mnasnet",
    doc: "Inverted residuals, a choice of its own for every stage, found by a search with measured latency.",
    paper: "Tan, Chen, Pang, Vasudevan, Sandler, Howard and Le 2019, MnasNet: Platform-Aware Neural Architecture Search for Mobile",
    data: Data::Images,
    knobs: &[Knob::word("table", "which network", "b1", &["a1", "b1", "small"]), WIDTH, DEPTH],
    members: &[
        Member::new("mnasnet_100", 224, ""),
        Member::new("mnasnet_050", 224, "width=0.5"),
        Member::new("mnasnet_075", 224, "width=0.75"),
        Member::new("mnasnet_140", 224, "width=1.4"),
        Member::new("semnasnet_050", 224, "table=a1,width=0.5"),
        Member::new("semnasnet_075", 224, "table=a1,width=0.75"),
        Member::new("semnasnet_100", 224, "table=a1"),
        Member::new("semnasnet_140", 224, "table=a1,width=1.4"),
        Member::new("mnasnet_small", 224, "table=small"),
    ],
    build,
};

const A1: &[&[Blocks]] = &[
    &[separable(3, 16).shortcut(false)],
    &[inverted(3, 6.0, 24).stride(2).times(2)],
    &[inverted(5, 3.0, 40).stride(2).times(3).squeeze(0.25)],
    &[inverted(3, 6.0, 80).stride(2).times(4)],
    &[inverted(3, 6.0, 112).times(2).squeeze(0.25)],
    &[inverted(5, 6.0, 160).stride(2).times(3).squeeze(0.25)],
    &[inverted(3, 6.0, 320)],
];

const B1: &[&[Blocks]] = &[
    &[separable(3, 16).shortcut(false)],
    &[inverted(3, 3.0, 24).stride(2).times(3)],
    &[inverted(5, 3.0, 40).stride(2).times(3)],
    &[inverted(5, 6.0, 80).stride(2).times(3)],
    &[inverted(3, 6.0, 96).times(2)],
    &[inverted(5, 6.0, 192).stride(2).times(4)],
    &[inverted(3, 6.0, 320).shortcut(false)],
];

const SMALL: &[&[Blocks]] = &[
    &[separable(3, 8)],
    &[inverted(3, 3.0, 16).stride(2)],
    &[inverted(3, 6.0, 16).stride(2).times(2)],
    &[inverted(5, 6.0, 32).stride(2).times(4).squeeze(0.25)],
    &[inverted(3, 6.0, 32).times(3).squeeze(0.25)],
    &[inverted(5, 6.0, 88).stride(2).times(3).squeeze(0.25)],
    &[inverted(3, 6.0, 144)],
];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let trunk = Trunk::new(numbers.real("width")?, numbers.real("depth")?);
    let (first, table) = match numbers.word("table")? {
        "a1" => (32, A1),
        "b1" => (32, B1),
        _ => (8, SMALL),
    };
    stem(net, trunk.channels(first))?;
    trunk.build(net, table)?;
    conv_head(net, 1280)
}
