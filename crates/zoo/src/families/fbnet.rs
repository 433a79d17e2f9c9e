//! FBNet: found by differentiable search with a table of latencies (Wu et al. 2019); FBNet-C, as in timm.

use crate::blocks::mobile::{Blocks, DEPTH, Trunk, WIDTH, conv_head, inverted, stem};
use crate::{Data, Family, Member, Net, Numbers, ZooError};

pub(super) const FAMILY: Family = Family {
    name: "fbnet",
    doc: "Inverted residuals found by differentiable search with measured latencies.",
    paper: "Wu, Dai, Zhang, Wang, Sun, Wu, Tian, Vajda, Jia and Keutzer 2019, FBNet: Hardware-Aware Efficient ConvNet Design via Differentiable Neural Architecture Search",
    data: Data::Images,
    knobs: &[WIDTH, DEPTH],
    members: &[Member::new("fbnetc_100", 224, "")],
    build,
};

const STAGES: &[&[Blocks]] = &[
    &[inverted(3, 1.0, 16)],
    &[inverted(3, 6.0, 24).stride(2), inverted(3, 1.0, 24).times(2)],
    &[inverted(5, 6.0, 32).stride(2), inverted(5, 3.0, 32), inverted(5, 6.0, 32), inverted(3, 6.0, 32)],
    &[inverted(5, 6.0, 64).stride(2), inverted(5, 3.0, 64), inverted(5, 6.0, 64).times(2)],
    &[inverted(5, 6.0, 112).times(3), inverted(5, 3.0, 112)],
    &[inverted(5, 6.0, 184).stride(2).times(4)],
    &[inverted(3, 6.0, 352)],
];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let trunk = Trunk::new(numbers.real("width")?, numbers.real("depth")?);
    stem(net, trunk.channels(16))?;
    trunk.build(net, STAGES)?;
    conv_head(net, 1984)
}
