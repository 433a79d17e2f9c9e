//! ReXNet: inverted residuals whose channels grow by the same amount from block to block (Han, Yun, Heo and Yoo 2021, section 4): block
//! `i` of `d` has `width * (16 + 180 i / d)` channels. A shortcut adds as many channels as the input has. Members `r` have channels in
//! multiples of 8 or 16 (timm).

use crate::blocks::mobile::{DEPTH, WIDTH, conv_head};
use crate::{Data, Family, Input, Knob, Member, Net, Numbers, ZooError, make_divisible, round_half_even};
use nasmyth_graph::Graph;
use nasmyth_graph::ops::{Add, Concat, Function, Linear, Mul, Slice};

pub(super) const FAMILY: Family = Family {
    name: "rexnet",
    doc: "Inverted residuals with squeeze-excitation, their channels growing linearly with depth.",
    paper: "Han, Yun, Heo and Yoo 2021, Rethinking Channel Dimensions for Efficient Model Design",
    data: Data::Images,
    knobs: &[
        WIDTH,
        DEPTH,
        Knob::int("first", "channels of the first block", "16", (1, 1024), &[8, 16, 24]),
        Knob::int("growth", "channels that the last block has more", "180", (0, 4096), &[60, 90, 120, 180]),
        Knob::int("reduction", "by what squeeze-excitation divides channels", "12", (1, 64), &[4, 12]),
        Knob::int("divisor", "channels are multiples of it", "1", (1, 64), &[]),
    ],
    members: &[
        Member::new("rexnet_100", 224, ""),
        Member::new("rexnet_130", 224, "width=1.3"),
        Member::new("rexnet_150", 224, "width=1.5"),
        Member::new("rexnet_200", 224, "width=2.0"),
        Member::new("rexnet_300", 224, "width=3.0"),
        Member::new("rexnetr_100", 224, "divisor=8"),
        Member::new("rexnetr_130", 224, "width=1.3,divisor=8"),
        Member::new("rexnetr_150", 224, "width=1.5,divisor=8"),
        Member::new("rexnetr_200", 224, "width=2.0,divisor=8"),
        Member::new("rexnetr_300", 224, "width=3.0,divisor=16"),
    ],
    build,
};

/// The network of this width, for ImageNet.
///
/// # Errors
/// A width out of its domain.
pub fn rexnet(width: f64) -> Result<Graph, ZooError> {
    crate::member(&format!("rexnet:width={width}"))?.graph(&Input::default())
}

/// Blocks and first stride of each stage; the first two have no squeeze-excitation.
const STAGES: [(usize, usize); 6] = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (5, 2)];

/// Numbers of one block.
struct Block {
    out: usize,
    expansion: usize,
    stride: usize,
    /// By what squeeze-excitation divides the middle; 0 for none.
    reduction: usize,
    divisor: usize,
}

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (width, depth) = (numbers.real("width")?, numbers.real("depth")?);
    let (reduction, divisor) = (numbers.size("reduction")?, numbers.size("divisor")?);
    let channels = |base: f64| make_divisible(round_half_even(base * width) as f64, divisor, 0.9);
    // Below width 1 the first layers keep their channels.
    let kept = |c: f64| if width < 1.0 { c / width } else { c };
    let depths = STAGES.map(|(blocks, _)| (blocks as f64 * depth).ceil() as usize);
    let step = numbers.real("growth")? / depths.iter().sum::<usize>() as f64;
    let mut base = kept(numbers.real("first")?);

    net.style.act = Function::Silu;
    let stride = net.stride(2);
    net.scope("stem", |net| Ok(net.conv_bn_act(Net::window(channels(kept(32.0)), 3, stride))?))?;
    for (i, &(_, stride)) in STAGES.iter().enumerate() {
        for j in 0..depths[i] {
            let block = Block {
                out: channels(base),
                expansion: if i == 0 { 1 } else { 6 },
                stride: if j == 0 { net.stride(stride) } else { 1 },
                reduction: if i < 2 { 0 } else { reduction },
                divisor,
            };
            net.scope(format!("stage{}.block{}", i + 1, j + 1), |net| block.append(net))?;
            base += step;
        }
    }
    conv_head(net, make_divisible(1280.0 * width, divisor, 0.9))
}

impl Block {
    fn append(&self, net: &mut Net) -> Result<(), ZooError> {
        let (from, inputs) = (net.at, net.channels());
        let mut middle = inputs;
        if self.expansion != 1 {
            middle = make_divisible((inputs * self.expansion) as f64, self.divisor, 0.9);
            net.conv_bn_act(Net::window(middle, 1, 1))?;
        }
        net.conv_bn(Net::window(middle, 3, self.stride).groups(middle))?;
        if self.reduction > 0 {
            let share = (middle as f64 * (1.0 / self.reduction as f64)).floor();
            squeeze(net, make_divisible(share, self.divisor, 0.9))?;
        }
        net.activate(Function::Relu6)?;
        let y = net.conv_bn(Net::window(self.out, 1, 1))?;
        if self.stride == 1 && inputs == self.out {
            net.add(from)?;
        } else if self.stride == 1 && inputs < self.out {
            let same = net.push(Slice { start: 0, end: inputs })?;
            let sum = net.join(Add, &[same, from])?;
            net.at = y;
            let new = net.push(Slice { start: inputs, end: self.out })?;
            net.join(Concat, &[sum, new])?;
        }
        Ok(())
    }
}

/// Squeeze-excitation with a batch norm inside.
fn squeeze(net: &mut Net, hidden: usize) -> Result<(), ZooError> {
    let (x, channels) = (net.at, net.channels());
    net.global_average()?;
    net.push(Linear::new(hidden))?;
    net.batch_norm()?;
    net.activate(Function::Relu)?;
    net.push(Linear::new(channels))?;
    let gates = net.activate(Function::Sigmoid)?;
    net.join(Mul, &[x, gates])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Input, member};
    use nasmyth_graph::ops::Conv;

    #[test]
    fn channels_of_blocks_are_a_line() {
        let graph = member("rexnet").unwrap().graph(&Input::default()).unwrap();
        let stages = super::STAGES.iter().enumerate();
        let names =
            stages.flat_map(|(i, s)| (0..s.0).map(move |j| format!("stage{}.block{}.conv", i + 1, j + 1)));
        for (i, name) in names.enumerate() {
            let projection = graph.nodes().iter().rfind(|n| n.name.starts_with(&name)).unwrap();
            let out = projection.op.downcast::<Conv>().unwrap().out as f64;
            assert!((out - (16.0 + 180.0 * i as f64 / 16.0)).abs() <= 0.5, "{name}: {out}");
        }
    }
}
