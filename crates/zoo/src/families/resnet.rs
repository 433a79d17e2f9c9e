//! ResNet (He et al. 2016): stages of residual blocks, twice as wide and half as large from one to the next; and what became of it:
//! Wide ResNet's broader middle (Zagoruyko and Komodakis 2016), and the stems and shortcuts of He et al. 2019 (ResNet-C, -D, -T,
//! -S), with or without smoothing where the size is halved (Zhang 2019).
//!
//! | variant | stem | shortcut |
//! |---|---|---|
//! | (none) | 7x7 | 1x1 with stride |
//! | c, s | three 3x3, 32 or 64 wide | 1x1 with stride |
//! | d | three 3x3, 32 wide | mean of 2x2, then 1x1 |
//! | t | three 3x3, 24, 32 and 64 wide | mean of 2x2, then 1x1 |

use crate::blocks::{Attention, Halving, Residual, Shortcut, basic, bottleneck};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};

/// The numbers of all these networks, with what a search tries of some.
pub(super) const fn knobs(
    groups: &'static [i64],
    base: &'static [i64],
    squeeze: &'static [f64],
) -> [Knob; 12] {
    [
        Knob::word(
            "block",
            "two 3x3 convolutions, or 1x1, 3x3 and 1x1",
            "bottleneck",
            &["basic", "bottleneck"],
        )
        .fixed(),
        Knob::list("depths", "blocks of each stage", "3/4/6/3", (1, 5), (1, 200)).searched(&[1, 2, 3, 4]),
        Knob::int(
            "width",
            "channels of the first stage (a bottleneck answers with four times as many)",
            "64",
            (4, 512),
            &[16, 24, 32, 48, 64],
        ),
        Knob::int("groups", "groups of a bottleneck's 3x3 convolution", "1", (1, 256), groups),
        Knob::int("base", "channels of a group in the first stage, at width 64", "64", (1, 512), base),
        Knob::word("stem", "one 7x7 convolution, or three 3x3", "single", &["single", "deep", "tiered"])
            .fixed(),
        Knob::int("stem_width", "half the channels of a stem of three", "32", (4, 512), &[]),
        Knob::word("stem_pool", "what halves the size after the stem", "max", &["max", "conv"]).fixed(),
        Knob::int(
            "reduce_first",
            "by how much a bottleneck's first convolution is narrower",
            "1",
            (1, 16),
            &[],
        ),
        Knob::word("shortcut", "past a block with a stride", "conv", &["conv", "conv3", "average"]).fixed(),
        Knob::real("squeeze", "squeeze-excitation as a share of a block's output", "0", (0.0, 1.0), squeeze),
        Knob::word("halving", "what halves the size in a block", "stride", &["stride", "blur", "average"])
            .fixed(),
    ]
}

pub(super) const RESNET: Family = Family {
    name: "resnet",
    doc: "Residual blocks of two or three convolutions, in stages of doubling width.",
    paper: "He, Zhang, Ren and Sun 2016, Deep Residual Learning for Image Recognition",
    data: Data::Images,
    knobs: &knobs(&[], &[], &[]),
    members: &[
        Member::new("resnet50", 224, ""),
        Member::new("resnet10t", 176, "block=basic,depths=1/1/1/1,stem=tiered,shortcut=average"),
        Member::new("resnet14t", 176, "depths=1/1/1/1,stem=tiered,shortcut=average"),
        Member::new("resnet18", 224, "block=basic,depths=2/2/2/2"),
        Member::new("resnet18d", 224, "block=basic,depths=2/2/2/2,stem=deep,shortcut=average"),
        Member::new("resnet26", 224, "depths=2/2/2/2"),
        Member::new("resnet26d", 224, "depths=2/2/2/2,stem=deep,shortcut=average"),
        Member::new("resnet26t", 256, "depths=2/2/2/2,stem=tiered,shortcut=average"),
        Member::new("resnet34", 224, "block=basic"),
        Member::new("resnet34d", 224, "block=basic,stem=deep,shortcut=average"),
        Member::new("resnet50c", 224, "stem=deep"),
        Member::new("resnet50d", 224, "stem=deep,shortcut=average"),
        Member::new("resnet50s", 224, "stem=deep,stem_width=64"),
        Member::new("resnet50t", 224, "stem=tiered,shortcut=average"),
        Member::new("resnet101", 224, "depths=3/4/23/3"),
        Member::new("resnet101c", 224, "depths=3/4/23/3,stem=deep"),
        Member::new("resnet101d", 256, "depths=3/4/23/3,stem=deep,shortcut=average"),
        Member::new("resnet101s", 224, "depths=3/4/23/3,stem=deep,stem_width=64"),
        Member::new("resnet152", 224, "depths=3/8/36/3"),
        Member::new("resnet152c", 224, "depths=3/8/36/3,stem=deep"),
        Member::new("resnet152d", 256, "depths=3/8/36/3,stem=deep,shortcut=average"),
        Member::new("resnet152s", 224, "depths=3/8/36/3,stem=deep,stem_width=64"),
        Member::new("resnet200", 224, "depths=3/24/36/3"),
        Member::new("resnet200d", 256, "depths=3/24/36/3,stem=deep,shortcut=average"),
        Member::new("resnetaa34d", 224, "block=basic,stem=deep,shortcut=average,halving=average"),
        Member::new("resnetaa50", 224, "halving=average"),
        Member::new("resnetaa50d", 224, "stem=deep,shortcut=average,halving=average"),
        Member::new("resnetaa101d", 224, "depths=3/4/23/3,stem=deep,shortcut=average,halving=average"),
        Member::new("resnetblur18", 224, "block=basic,depths=2/2/2/2,halving=blur"),
        Member::new("resnetblur50", 224, "halving=blur"),
        Member::new("resnetblur50d", 224, "stem=deep,shortcut=average,halving=blur"),
        Member::new("resnetblur101d", 224, "depths=3/4/23/3,stem=deep,shortcut=average,halving=blur"),
    ],
    build,
};

pub(super) const WIDE_RESNET: Family = Family {
    name: "wide_resnet",
    doc: "ResNet whose 3x3 convolutions are broader.",
    paper: "Zagoruyko and Komodakis 2016, Wide Residual Networks",
    data: Data::Images,
    knobs: &knobs(&[], &[32, 64, 128], &[]),
    members: &[
        Member::new("wide_resnet50_2", 224, "base=128"),
        Member::new("wide_resnet101_2", 224, "depths=3/4/23/3,base=128"),
    ],
    build,
};

pub(super) fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let is_basic = numbers.word("block")? == "basic";
    let halving = match numbers.word("halving")? {
        "blur" => Halving::Blur,
        "average" => Halving::Average,
        _ => Halving::Stride,
    };
    let shortcut = match numbers.word("shortcut")? {
        "average" => Shortcut::Average,
        "conv3" => Shortcut::Conv3,
        _ => Shortcut::Conv,
    };
    net.scope("stem", |net| stem(net, numbers, halving))?;
    for (i, depth) in numbers.sizes("depths")?.into_iter().enumerate() {
        let width = numbers.size("width")? << i;
        let middle = middle(numbers, width)?;
        let (first, groups) = ((middle / numbers.size("reduce_first")?).max(1), numbers.size("groups")?);
        if !is_basic && !first.is_multiple_of(groups) {
            return Err(numbers.wrong("groups", format!("a divisor of a block's first width, {first}")));
        }
        let residual = match is_basic {
            true => Residual::new(width, width),
            false => Residual { first, groups, ..Residual::new(4 * width, middle) },
        };
        for j in 0..depth {
            let block = Residual {
                stride: if i > 0 && j == 0 { net.stride(2) } else { 1 },
                halving,
                shortcut,
                attention: Attention::squeeze(numbers.real("squeeze")?),
                ..residual
            };
            let layers = if is_basic { basic } else { bottleneck };
            net.scope(format!("stage{}.block{}", i + 1, j + 1), |net| layers(net, &block))?;
        }
    }
    net.scope("head", |net| Ok(net.classifier()?))?;
    Ok(())
}

/// Channels of a bottleneck's 3x3 convolution: `groups` times as many as a group has, which are `base` at width 64.
fn middle(numbers: &Numbers, width: usize) -> Result<usize, ZooError> {
    match width * numbers.size("base")? / 64 {
        0 => Err(numbers.wrong("base", "at least 64 / width")),
        channels => Ok(channels * numbers.size("groups")?),
    }
}

fn stem(net: &mut Net, numbers: &Numbers, halving: Halving) -> Result<(), ZooError> {
    let (width, half) = (numbers.size("width")?, numbers.size("stem_width")?);
    let stride = net.stride(2);
    match numbers.word("stem")? {
        "single" => {
            net.conv_bn_act(Net::window(width, 7, stride))?;
        }
        kind => {
            let first = if kind == "tiered" { 3 * (half / 4) } else { half };
            net.conv_bn_act(Net::window(first, 3, stride))?;
            net.conv_bn_act(Net::window(half, 3, 1))?;
            net.conv_bn_act(Net::window(2 * half, 3, 1))?;
        }
    }
    let stride = net.stride(2);
    match (numbers.word("stem_pool")?, halving) {
        ("conv", _) => halving.conv_bn_act(net, Net::window(net.channels(), 3, 1), stride)?,
        (_, Halving::Average) => {
            halving.pool(net, stride)?;
        }
        (_, Halving::Blur) => {
            net.max_pool3(1)?;
            halving.pool(net, stride)?;
        }
        _ => {
            net.max_pool3(stride)?;
        }
    }
    Ok(())
}
