//! GhostNet: half of the features are computed, the others follow from them by cheap depthwise convolutions (Han, Wang, Tian, Guo, Xu
//! and Xu 2020, sections 3.1 to 3.3 and table 1).

use crate::blocks::mobile::{Hidden, WIDTH, pooled_head};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError, make_divisible};
use nasmyth_graph::blocks::Squeeze;
use nasmyth_graph::ops::{Concat, Function, Slice};

pub(super) const FAMILY: Family = Family {
    name: "ghostnet",
    doc: "Bottlenecks of ghost modules: a part of the features computed, the rest made from it depthwise.",
    paper: "Han, Wang, Tian, Guo, Xu and Xu 2020, GhostNet: More Features from Cheap Operations",
    data: Data::Images,
    knobs: &[
        WIDTH,
        Knob::int("s", "features for each one that is computed", "2", (2, 16), &[2, 3, 4]),
        Knob::int("d", "window of the cheap convolutions", "3", (1, 15), &[3, 5]),
    ],
    members: &[
        Member::new("ghostnet_100", 224, ""),
        Member::new("ghostnet_050", 224, "width=0.5"),
        Member::new("ghostnet_130", 224, "width=1.3"),
    ],
    build,
};

/// Table 1: window, middle, channels, stride, whether there is squeeze-excitation.
const BLOCKS: [(usize, usize, usize, usize, bool); 16] = [
    (3, 16, 16, 1, false),
    (3, 48, 24, 2, false),
    (3, 72, 24, 1, false),
    (5, 72, 40, 2, true),
    (5, 120, 40, 1, true),
    (3, 240, 80, 2, false),
    (3, 200, 80, 1, false),
    (3, 184, 80, 1, false),
    (3, 184, 80, 1, false),
    (3, 480, 112, 1, true),
    (3, 672, 112, 1, true),
    (5, 672, 160, 2, true),
    (5, 960, 160, 1, false),
    (5, 960, 160, 1, true),
    (5, 960, 160, 1, false),
    (5, 960, 160, 1, true),
];

/// Ratio and window of a ghost module.
#[derive(Clone, Copy)]
struct Ghost {
    s: usize,
    d: usize,
}

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (width, ghost) = (numbers.real("width")?, Ghost { s: numbers.size("s")?, d: numbers.size("d")? });
    let channels = |c: usize| make_divisible(c as f64 * width, 4, 0.9);
    let stride = net.stride(2);
    net.scope("stem", |net| Ok(net.conv_bn_act(Net::window(channels(16), 3, stride))?))?;
    for (i, &(kernel, middle, out, stride, squeezed)) in BLOCKS.iter().enumerate() {
        let stride = net.stride(stride);
        net.scope(format!("block{}", i + 1), |net| {
            bottleneck(net, ghost, (kernel, channels(middle), channels(out)), (stride, squeezed))
        })?;
    }
    net.scope("last", |net| Ok(net.conv_bn_act(Net::window(channels(960), 1, 1))?))?;
    pooled_head(net, 1280, Hidden::Bias)
}

/// Figure 3: a ghost module to the middle, a depthwise convolution if there is a stride, one back without activation.
fn bottleneck(
    net: &mut Net,
    ghost: Ghost,
    (kernel, middle, out): (usize, usize, usize),
    (stride, squeezed): (usize, bool),
) -> Result<(), ZooError> {
    let (from, inputs) = (net.at, net.channels());
    module(net, ghost, middle, true)?;
    if stride > 1 {
        net.conv_bn(Net::window(middle, kernel, stride).groups(middle))?;
    }
    if squeezed {
        let hidden = make_divisible(middle as f64 * 0.25, 4, 0.9);
        let squeeze = Squeeze { hidden, act: Function::Relu, gate: Function::HardSigmoid };
        net.with(|g, x| squeeze.apply(g, x))?;
    }
    let main = module(net, ghost, out, false)?;
    net.at = from;
    if stride != 1 || inputs != out {
        net.conv_bn(Net::window(inputs, kernel, stride).groups(inputs))?;
        net.conv_bn(Net::window(out, 1, 1))?;
    }
    net.add(main)?;
    Ok(())
}

/// A ghost module (section 3.1): `out / s` features by a 1x1 convolution, `s - 1` more from each by a `d x d` one.
fn module(net: &mut Net, ghost: Ghost, out: usize, act: bool) -> Result<nasmyth_graph::NodeId, ZooError> {
    let computed = out.div_ceil(ghost.s);
    let append = |net: &mut Net, conv| if act { net.conv_bn_act(conv) } else { net.conv_bn(conv) };
    let first = append(net, Net::window(computed, 1, 1))?;
    let cheap = append(net, Net::window(computed * (ghost.s - 1), ghost.d, 1).groups(computed))?;
    net.join(Concat, &[first, cheap])?;
    match net.channels() == out {
        true => Ok(net.at),
        false => Ok(net.push(Slice { start: 0, end: out })?),
    }
}
