//! MobileNetV2: inverted residuals with linear bottlenecks (Sandler, Howard, Zhu, Zhmoginov and Chen 2018, table 2). Width
//! multipliers below 1 leave the last 1x1 convolution at 1280 channels (section 4). In members `d` the first and the last layers
//! keep their widths, and depth is scaled too.

use crate::blocks::mobile::{Blocks, DEPTH, Trunk, WIDTH, conv_head, inverted, separable, stem};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::Function;

pub(super) const FAMILY: Family = Family {
    name: "mobilenetv2",
    doc: "Inverted residuals with linear bottlenecks and ReLU6.",
    paper: "Sandler, Howard, Zhu, Zhmoginov and Chen 2018, MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    data: Data::Images,
    knobs: &[
        WIDTH,
        DEPTH,
        Knob::int("expansion", "width of a block's middle, in inputs", "6", (1, 16), &[3, 4, 6]),
        Knob::word("ends", "whether first and last layers are scaled", "scaled", &["scaled", "fixed"])
            .fixed(),
    ],
    members: &[
        Member::new("mobilenetv2_100", 224, ""),
        Member::new("mobilenetv2_035", 224, "width=0.35"),
        Member::new("mobilenetv2_050", 224, "width=0.5"),
        Member::new("mobilenetv2_075", 224, "width=0.75"),
        Member::new("mobilenetv2_110d", 224, "width=1.1,depth=1.2,ends=fixed"),
        Member::new("mobilenetv2_120d", 224, "width=1.2,depth=1.4,ends=fixed"),
        Member::new("mobilenetv2_140", 224, "width=1.4"),
    ],
    build,
};

/// Table 2: channels, blocks and stride of the stages with expansion.
const STAGES: [(usize, usize, usize); 6] =
    [(24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let mut trunk = Trunk::new(numbers.real("width")?, numbers.real("depth")?);
    trunk.ends_fixed = numbers.word("ends")? == "fixed";
    let ends = |c: usize| if trunk.ends_fixed { c } else { trunk.channels(c) };
    let expansion = numbers.real("expansion")?;
    let line = |&(out, times, stride): &(usize, usize, usize)| {
        [inverted(3, expansion, out).times(times).stride(stride)]
    };
    let stages: Vec<[Blocks; 1]> =
        std::iter::once([separable(3, 16)]).chain(STAGES.iter().map(line)).collect();
    net.style.act = Function::Relu6;
    stem(net, ends(32))?;
    trunk.build(net, &stages)?;
    conv_head(net, ends(1280).max(1280))
}
