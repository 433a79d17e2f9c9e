//! ResNeXt (Xie et al. 2017): ResNet whose 3x3 convolutions are in groups; `G x Cd` in a name are `groups` and `base`, the channels of
//! a group in the first stage.

use super::resnet;
use crate::{Data, Family, Member};

pub(super) const FAMILY: Family = Family {
    name: "resnext",
    doc: "ResNet whose 3x3 convolutions are in groups.",
    paper: "Xie, Girshick, Dollar, Tu and He 2017, Aggregated Residual Transformations for Deep Neural Networks",
    data: Data::Images,
    knobs: &resnet::knobs(&[8, 16, 32], &[4, 8, 16], &[]),
    members: &[
        Member::new("resnext50_32x4d", 224, "groups=32,base=4"),
        Member::new("resnext50d_32x4d", 224, "groups=32,base=4,stem=deep,shortcut=average"),
        Member::new("resnext101_32x4d", 224, "depths=3/4/23/3,groups=32,base=4"),
        Member::new("resnext101_32x8d", 224, "depths=3/4/23/3,groups=32,base=8"),
        Member::new("resnext101_32x16d", 224, "depths=3/4/23/3,groups=32,base=16"),
        Member::new("resnext101_32x32d", 224, "depths=3/4/23/3,groups=32,base=32"),
        Member::new("resnext101_64x4d", 224, "depths=3/4/23/3,groups=64,base=4"),
    ],
    build: resnet::build,
};
