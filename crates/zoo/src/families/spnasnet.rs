//! Single-Path NAS: kernels and expansions shared in one "superkernel", searched for a Pixel 1 (Stamoulis, Ding, Wang,
//! Lymberopoulos, Priyantha, Liu and Marculescu 2019).

use crate::blocks::mobile::{Blocks, DEPTH, Trunk, WIDTH, conv_head, inverted, separable, stem};
use crate::{Data, Family, Member, Net, Numbers, ZooError};

pub(super) const FAMILY: Family = Family {
    name: "spnasnet",
    doc: "Inverted residuals found by searching in a single path of shared kernels.",
    paper: "Stamoulis, Ding, Wang, Lymberopoulos, Priyantha, Liu and Marculescu 2019, Single-Path NAS: Designing Hardware-Efficient ConvNets in less than 4 Hours",
    data: Data::Images,
    knobs: &[WIDTH, DEPTH],
    members: &[Member::new("spnasnet_100", 224, "")],
    build,
};

const STAGES: &[&[Blocks]] = &[
    &[separable(3, 16).shortcut(false)],
    &[inverted(3, 3.0, 24).stride(2).times(3)],
    &[inverted(5, 6.0, 40).stride(2), inverted(3, 3.0, 40).times(3)],
    &[inverted(5, 6.0, 80).stride(2), inverted(3, 3.0, 80).times(3)],
    &[inverted(5, 6.0, 96), inverted(5, 3.0, 96).times(3)],
    &[inverted(5, 6.0, 192).stride(2).times(4)],
    &[inverted(3, 6.0, 320).shortcut(false)],
];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let trunk = Trunk::new(numbers.real("width")?, numbers.real("depth")?);
    stem(net, trunk.channels(32))?;
    trunk.build(net, STAGES)?;
    conv_head(net, 1280)
}
