//! MobileNetV4: universal inverted bottlenecks, which are inverted residuals with an optional depthwise convolution before and an
//! optional one in the middle, and mobile multi-query attention in the hybrid networks (Qin et al. 2024, sections 4 and 5).

use crate::blocks::mobile::{
    Blocks, DEPTH, Hidden, Trunk, WIDTH, attention, conv, fused, pooled_head, stem, universal,
};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::Function;

pub(super) const FAMILY: Family = Family {
    name: "mobilenetv4",
    doc: "Universal inverted bottlenecks, with mobile multi-query attention in the hybrid networks.",
    paper: "Qin, Leichner, Delakis, Fornoni, Luo, Yang, Wang, Banbury, Ye, Akin, Aggarwal, Zhu, Moro and Howard 2024, MobileNetV4: Universal Models for the Mobile Ecosystem",
    data: Data::Images,
    knobs: &[
        Knob::word(
            "table",
            "which network",
            "conv_small",
            &["conv_small", "conv_medium", "conv_large", "hybrid_medium", "hybrid_large"],
        ),
        WIDTH,
        DEPTH,
        Knob::word(
            "halving",
            "by strides, or by means after the activation",
            "stride",
            &["stride", "average"],
        )
        .fixed(),
    ],
    members: &[
        Member::new("mobilenetv4_conv_small", 224, ""),
        Member::new("mobilenetv4_conv_small_035", 224, "width=0.35"),
        Member::new("mobilenetv4_conv_small_050", 224, "width=0.5"),
        Member::new("mobilenetv4_conv_medium", 256, "table=conv_medium"),
        Member::new("mobilenetv4_conv_large", 384, "table=conv_large"),
        Member::new("mobilenetv4_conv_aa_medium", 256, "table=conv_medium,halving=average"),
        Member::new("mobilenetv4_conv_aa_large", 448, "table=conv_large,halving=average"),
        Member::new("mobilenetv4_hybrid_medium", 256, "table=hybrid_medium"),
        Member::new("mobilenetv4_hybrid_medium_075", 224, "table=hybrid_medium,width=0.75"),
        Member::new("mobilenetv4_hybrid_large", 384, "table=hybrid_large"),
        Member::new("mobilenetv4_hybrid_large_075", 256, "table=hybrid_large,width=0.75"),
    ],
    build,
};

const CONV_SMALL: &[&[Blocks]] = &[
    &[conv(3, 32).stride(2), conv(1, 32)],
    &[conv(3, 96).stride(2), conv(1, 64)],
    &[universal(5, 5, 3.0, 96).stride(2), universal(0, 3, 2.0, 96).times(4), universal(3, 0, 4.0, 96)],
    &[
        universal(3, 3, 6.0, 128).stride(2),
        universal(5, 5, 4.0, 128),
        universal(0, 5, 4.0, 128),
        universal(0, 5, 3.0, 128),
        universal(0, 3, 4.0, 128).times(2),
    ],
    &[conv(1, 960)],
];

const CONV_MEDIUM: &[&[Blocks]] = &[
    &[fused(3, 4.0, 48).stride(2)],
    &[universal(3, 5, 4.0, 80).stride(2), universal(3, 3, 2.0, 80)],
    &[
        universal(3, 5, 6.0, 160).stride(2),
        universal(3, 3, 4.0, 160).times(2),
        universal(3, 5, 4.0, 160),
        universal(3, 3, 4.0, 160),
        universal(3, 0, 4.0, 160),
        universal(0, 0, 2.0, 160),
        universal(3, 0, 4.0, 160),
    ],
    &[
        universal(5, 5, 6.0, 256).stride(2),
        universal(5, 5, 4.0, 256),
        universal(3, 5, 4.0, 256).times(2),
        universal(0, 0, 4.0, 256),
        universal(3, 0, 4.0, 256),
        universal(3, 5, 2.0, 256),
        universal(5, 5, 4.0, 256),
        universal(0, 0, 4.0, 256).times(2),
        universal(5, 0, 2.0, 256),
    ],
    &[conv(1, 960)],
];

const CONV_LARGE: &[&[Blocks]] = &[
    &[fused(3, 4.0, 48).stride(2)],
    &[universal(3, 5, 4.0, 96).stride(2), universal(3, 3, 4.0, 96)],
    &[
        universal(3, 5, 4.0, 192).stride(2),
        universal(3, 3, 4.0, 192).times(3),
        universal(3, 5, 4.0, 192),
        universal(5, 3, 4.0, 192).times(5),
        universal(3, 0, 4.0, 192),
    ],
    &[
        universal(5, 5, 4.0, 512).stride(2).times(4),
        universal(5, 0, 4.0, 512),
        universal(5, 3, 4.0, 512),
        universal(5, 0, 4.0, 512).times(2),
        universal(5, 3, 4.0, 512),
        universal(5, 5, 4.0, 512),
        universal(5, 0, 4.0, 512).times(3),
    ],
    &[conv(1, 960)],
];

const HYBRID_MEDIUM: &[&[Blocks]] = &[
    &[fused(3, 4.0, 48).stride(2)],
    &[universal(3, 5, 4.0, 80).stride(2), universal(3, 3, 2.0, 80)],
    &[
        universal(3, 5, 6.0, 160).stride(2),
        universal(0, 0, 2.0, 160),
        universal(3, 3, 4.0, 160),
        universal(3, 5, 4.0, 160),
        attention(4, 64, 2, 160),
        universal(3, 3, 4.0, 160),
        attention(4, 64, 2, 160),
        universal(3, 0, 4.0, 160),
        attention(4, 64, 2, 160),
        universal(3, 3, 4.0, 160),
        attention(4, 64, 2, 160),
        universal(3, 0, 4.0, 160),
    ],
    &[
        universal(5, 5, 6.0, 256).stride(2),
        universal(5, 5, 4.0, 256),
        universal(3, 5, 4.0, 256).times(2),
        universal(0, 0, 2.0, 256),
        universal(3, 5, 2.0, 256),
        universal(0, 0, 2.0, 256),
        universal(0, 0, 4.0, 256),
        attention(4, 64, 1, 256),
        universal(3, 0, 4.0, 256),
        attention(4, 64, 1, 256),
        universal(5, 5, 4.0, 256),
        attention(4, 64, 1, 256),
        universal(5, 0, 4.0, 256),
        attention(4, 64, 1, 256),
        universal(5, 0, 4.0, 256),
    ],
    &[conv(1, 960)],
];

const HYBRID_LARGE: &[&[Blocks]] = &[
    &[fused(3, 4.0, 48).stride(2)],
    &[universal(3, 5, 4.0, 96).stride(2), universal(3, 3, 4.0, 96)],
    &[
        universal(3, 5, 4.0, 192).stride(2),
        universal(3, 3, 4.0, 192).times(3),
        universal(3, 5, 4.0, 192),
        universal(5, 3, 4.0, 192).times(2),
        attention(8, 48, 2, 192),
        universal(5, 3, 4.0, 192),
        attention(8, 48, 2, 192),
        universal(5, 3, 4.0, 192),
        attention(8, 48, 2, 192),
        universal(5, 3, 4.0, 192),
        attention(8, 48, 2, 192),
        universal(3, 0, 4.0, 192),
    ],
    &[
        universal(5, 5, 4.0, 512).stride(2).times(4),
        universal(5, 0, 4.0, 512),
        universal(5, 3, 4.0, 512),
        universal(5, 0, 4.0, 512).times(2),
        universal(5, 3, 4.0, 512),
        universal(5, 5, 4.0, 512),
        attention(8, 64, 1, 512),
        universal(5, 0, 4.0, 512),
        attention(8, 64, 1, 512),
        universal(5, 0, 4.0, 512),
        attention(8, 64, 1, 512),
        universal(5, 0, 4.0, 512),
        attention(8, 64, 1, 512),
        universal(5, 0, 4.0, 512),
    ],
    &[conv(1, 960)],
];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let table = numbers.word("table")?;
    let (stages, first) = match table {
        "conv_small" => (CONV_SMALL, 32),
        "conv_medium" => (CONV_MEDIUM, 32),
        "conv_large" => (CONV_LARGE, 24),
        "hybrid_medium" => (HYBRID_MEDIUM, 32),
        _ => (HYBRID_LARGE, 24),
    };
    let mut trunk = Trunk::new(numbers.real("width")?, numbers.real("depth")?);
    trunk.average = numbers.word("halving")? == "average";
    trunk.scale = table.starts_with("hybrid").then_some(1e-5);
    net.style.act = if table == "hybrid_large" { Function::Gelu } else { Function::Relu };
    stem(net, if trunk.width < 1.0 { first } else { trunk.channels(first) })?;
    trunk.build(net, stages)?;
    pooled_head(net, 1280, Hidden::Norm)
}
