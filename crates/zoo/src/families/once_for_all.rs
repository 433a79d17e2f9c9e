//! Once-for-all: one trained network from which smaller ones are cut (Cai, Gan, Wang, Zhang and Han 2020, section 3). MobileNetV3's
//! stages with 2 to 4 blocks, kernels 3, 5 or 7 and expansions 3, 4 or 6 for each block.

use crate::blocks::mobile::{
    Blocks, Hidden, Squeezing, Trunk, WIDTH, conv, elastic, pooled_head, separable, stage, stem,
};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::Function::{HardSwish, Relu};

pub(super) const FAMILY: Family = Family {
    name: "once_for_all",
    doc: "MobileNetV3 with depths, kernels and expansions of one's choice.",
    paper: "Cai, Gan, Wang, Zhang and Han 2020, Once-for-All: Train One Network and Specialize it for Efficient Deployment",
    data: Data::Images,
    knobs: &[
        WIDTH,
        Knob::list("depths", "blocks of five stages", "4/4/4/4/4", (5, 5), (1, 4)).searched(&[2, 3, 4]),
        Knob::list(
            "kernels",
            "windows, four for each stage",
            "7/7/7/7/7/7/7/7/7/7/7/7/7/7/7/7/7/7/7/7",
            (20, 20),
            (1, 15),
        )
        .searched(&[3, 5, 7]),
        Knob::list(
            "expansions",
            "expansions, four for each stage",
            "6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6",
            (20, 20),
            (1, 16),
        )
        .searched(&[3, 4, 6]),
    ],
    members: &[
        Member::new("ofa_mbv3_100", 224, ""),
        Member::new("ofa_mbv3_120", 224, "width=1.2"),
        Member::new(
            "ofa_flops_595m",
            236,
            "width=1.2,depths=3/4/4/4/4,kernels=3/5/3/3/5/5/3/5/7/5/3/5/3/5/7/3/3/3/5/3,expansions=3/4/3/3/4/4/6/3/6/6/3/4/6/6/6/4/6/6/6/3",
        ),
    ],
    build,
};

/// Channels before scaling, and strides.
const STAGES: [Blocks; 5] = [
    stage(24, 2).act(Relu),
    stage(40, 2).squeeze(0.25).act(Relu),
    stage(80, 2),
    stage(112, 1).squeeze(0.25),
    stage(160, 2).squeeze(0.25),
];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let trunk = Trunk { squeezing: Squeezing::MIDDLE, ..Trunk::new(numbers.real("width")?, 1.0) };
    let mut stages = vec![vec![separable(3, 16).act(Relu)]];
    stages.extend(elastic(numbers, &STAGES)?);
    stages.push(vec![conv(1, 960)]);
    net.style.act = HardSwish;
    stem(net, trunk.channels(16))?;
    trunk.build(net, &stages)?;
    pooled_head(net, trunk.channels(1280), Hidden::Plain)
}

#[cfg(test)]
mod tests {
    use crate::{Input, member};

    #[test]
    fn the_network_of_595_million_multiply_accumulates_has_them() {
        let graph = member("ofa_flops_595m").unwrap().graph(&Input::default()).unwrap().verify().unwrap();
        assert_eq!(graph.macs() / 1_000_000, 595);
    }
}
