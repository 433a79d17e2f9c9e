//! SE-ResNet and SE-ResNeXt (Hu et al. 2018, section 4): ResNet and ResNeXt with squeeze-excitation at the end of each branch, and
//! SENet-154 (appendix), whose first 1x1 convolutions are half as wide.

use super::resnet;
use crate::{Data, Family, Member};

pub(super) const FAMILY: Family = Family {
    name: "seresnet",
    doc: "ResNet and ResNeXt with squeeze-excitation.",
    paper: "Hu, Shen and Sun 2018, Squeeze-and-Excitation Networks",
    data: Data::Images,
    knobs: &resnet::knobs(&[], &[], &[0.0625, 0.125, 0.25]),
    members: &[
        Member::new("seresnet50", 224, "squeeze=0.0625"),
        Member::new(
            "senet154",
            224,
            "depths=3/8/36/3,groups=64,base=4,stem=deep,stem_width=64,shortcut=conv3,reduce_first=2,squeeze=0.0625",
        ),
        Member::new("seresnet18", 224, "block=basic,depths=2/2/2/2,squeeze=0.0625"),
        Member::new("seresnet34", 224, "block=basic,squeeze=0.0625"),
        Member::new("seresnet50t", 224, "stem=tiered,shortcut=average,squeeze=0.0625"),
        Member::new("seresnet101", 224, "depths=3/4/23/3,squeeze=0.0625"),
        Member::new("seresnet152", 224, "depths=3/8/36/3,squeeze=0.0625"),
        Member::new("seresnet152d", 256, "depths=3/8/36/3,stem=deep,shortcut=average,squeeze=0.0625"),
        Member::new("seresnet200d", 256, "depths=3/24/36/3,stem=deep,shortcut=average,squeeze=0.0625"),
        Member::new("seresnet269d", 256, "depths=3/30/48/8,stem=deep,shortcut=average,squeeze=0.0625"),
        Member::new("seresnetaa50d", 224, "stem=deep,shortcut=average,squeeze=0.0625,halving=average"),
        Member::new(
            "seresnext26d_32x4d",
            224,
            "depths=2/2/2/2,groups=32,base=4,stem=deep,shortcut=average,squeeze=0.0625",
        ),
        Member::new(
            "seresnext26t_32x4d",
            224,
            "depths=2/2/2/2,groups=32,base=4,stem=tiered,shortcut=average,squeeze=0.0625",
        ),
        Member::new("seresnext50_32x4d", 224, "groups=32,base=4,squeeze=0.0625"),
        Member::new("seresnext101_32x4d", 224, "depths=3/4/23/3,groups=32,base=4,squeeze=0.0625"),
        Member::new("seresnext101_32x8d", 224, "depths=3/4/23/3,groups=32,base=8,squeeze=0.0625"),
        Member::new(
            "seresnext101d_32x8d",
            224,
            "depths=3/4/23/3,groups=32,base=8,stem=deep,shortcut=average,squeeze=0.0625",
        ),
        Member::new("seresnext101_64x4d", 224, "depths=3/4/23/3,groups=64,base=4,squeeze=0.0625"),
        Member::new(
            "seresnextaa101d_32x8d",
            288,
            "depths=3/4/23/3,groups=32,base=8,stem=deep,shortcut=average,squeeze=0.0625,halving=average",
        ),
        Member::new(
            "seresnextaa201d_32x8d",
            384,
            "depths=3/24/36/4,groups=32,base=8,stem=deep,stem_width=64,shortcut=average,squeeze=0.0625,halving=average",
        ),
    ],
    build: resnet::build,
};
