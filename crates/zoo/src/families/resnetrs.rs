//! ResNet-RS (Bello et al. 2021): ResNet-D with squeeze-excitation and a stem without pooling, scaled in depth and resolution
//! (table 8).

use super::resnet;
use crate::{Data, Family, Member};

macro_rules! rs {
    ($name:literal, $resolution:literal, $depths:literal) => {
        Member::new(
            $name,
            $resolution,
            concat!("depths=", $depths, ",stem=deep,stem_pool=conv,shortcut=average,squeeze=0.25"),
        )
    };
}

pub(super) const FAMILY: Family = Family {
    name: "resnetrs",
    doc: "ResNet-D with squeeze-excitation, scaled in depth and resolution.",
    paper: "Bello et al. 2021, Revisiting ResNets: Improved Training and Scaling Strategies",
    data: Data::Images,
    knobs: &resnet::knobs(&[], &[], &[0.0, 0.125, 0.25]),
    members: &[
        rs!("resnetrs50", 160, "3/4/6/3"),
        rs!("resnetrs101", 192, "3/4/23/3"),
        rs!("resnetrs152", 256, "3/8/36/3"),
        rs!("resnetrs200", 256, "3/24/36/3"),
        rs!("resnetrs270", 256, "4/29/53/4"),
        rs!("resnetrs350", 288, "4/36/72/4"),
        rs!("resnetrs420", 320, "4/44/87/4"),
    ],
    build: resnet::build,
};
