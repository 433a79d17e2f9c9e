//! StarNet: two linear layers multiplied element by element, the "star operation" (Ma, Dai, Bai, Wang and Fu 2024, figure 3, table 7).
//! Stage `i` has `base * 2^i` channels. Members 050 to 150 are the paper's very small networks.

use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::{Function, Mul};

pub(super) const FAMILY: Family = Family {
    name: "starnet",
    doc: "Blocks that multiply two linear layers element by element, between depthwise 7x7 convolutions.",
    paper: "Ma, Dai, Bai, Wang and Fu 2024, Rewrite the Stars",
    data: Data::Images,
    knobs: &[
        Knob::int("base", "channels of the first stage", "24", (1, 512), &[8, 12, 16, 20, 24, 32]),
        Knob::list("depths", "blocks of each stage", "2/2/8/3", (1, 4), (0, 64))
            .searched(&[1, 2, 3, 4, 6, 8]),
        Knob::int("ratio", "width of the multiplied layers, in inputs", "4", (1, 16), &[2, 3, 4]),
    ],
    members: &[
        Member::new("starnet_s1", 224, ""),
        Member::new("starnet_s2", 224, "base=32,depths=1/2/6/2"),
        Member::new("starnet_s3", 224, "base=32,depths=2/2/8/4"),
        Member::new("starnet_s4", 224, "base=32,depths=3/3/12/5"),
        Member::new("starnet_s050", 224, "base=16,depths=1/1/3/1,ratio=3"),
        Member::new("starnet_s100", 224, "base=20,depths=1/2/4/1,ratio=4"),
        Member::new("starnet_s150", 224, "base=24,depths=1/2/4/2,ratio=3"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (base, ratio) = (numbers.size("base")?, numbers.size("ratio")?);
    net.style.act = Function::Relu6;
    let stride = net.stride(2);
    net.scope("stem", |net| Ok(net.conv_bn_act(Net::window(32, 3, stride).with_bias())?))?;
    for (i, blocks) in numbers.sizes("depths")?.into_iter().enumerate() {
        let (channels, stride) = (base << i, net.stride(2));
        net.scope(format!("stage{}.down", i + 1), |net| {
            Ok(net.conv_bn(Net::window(channels, 3, stride).with_bias())?)
        })?;
        for j in 0..blocks {
            net.scope(format!("stage{}.block{}", i + 1, j + 1), |net| block(net, channels, ratio))?;
        }
    }
    net.scope("head", |net| {
        net.batch_norm()?;
        Ok(net.classifier()?)
    })?;
    Ok(())
}

/// `x + depthwise(linear(relu6(linear(y)) * linear(y)))` with `y = depthwise(x)`.
fn block(net: &mut Net, channels: usize, ratio: usize) -> Result<(), ZooError> {
    let depthwise = Net::window(channels, 7, 1).groups(channels).with_bias();
    let wide = Net::window(channels * ratio, 1, 1).with_bias();
    let from = net.at;
    let x = net.conv_bn(depthwise.clone())?;
    let left = net.conv(wide.clone())?;
    net.at = x;
    let right = net.conv(wide)?;
    net.at = left;
    let left = net.act()?;
    net.join(Mul, &[left, right])?;
    net.conv_bn(Net::window(channels, 1, 1).with_bias())?;
    net.conv(depthwise)?;
    net.add(from)?;
    Ok(())
}
