//! ShuffleNetV2: half of the channels pass a block unchanged, then the halves are shuffled (Ma, Zhang, Zheng and Sun 2018, section 3.3,
//! figure 3, table 5). Every stage has twice the channels of the one before.

use crate::blocks::mobile::conv_head;
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{Concat, Slice};

pub(super) const FAMILY: Family = Family {
    name: "shufflenet_v2",
    doc: "Blocks that change one half of the channels and shuffle the halves.",
    paper: "Ma, Zhang, Zheng and Sun 2018, ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
    data: Data::Images,
    knobs: &[
        Knob::int("channels", "channels of the first stage, even", "116", (2, 4096), &[24, 48, 116, 176]),
        Knob::list("depths", "blocks of each stage", "4/8/4", (1, 4), (1, 64)).searched(&[2, 4, 6, 8]),
        Knob::int("head", "channels of the last convolution", "1024", (1, 8192), &[256, 512, 1024]),
    ],
    members: &[
        Member::new("shufflenet_v2_x1_0", 224, ""),
        Member::new("shufflenet_v2_x0_5", 224, "channels=48"),
        Member::new("shufflenet_v2_x1_5", 224, "channels=176"),
        Member::new("shufflenet_v2_x2_0", 224, "channels=244,head=2048"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let channels = numbers.size("channels")?;
    if channels % 2 == 1 {
        return Err(numbers.wrong("channels", "an even number"));
    }
    let (stride, pool) = (net.stride(2), net.stride(2));
    net.scope("stem", |net| {
        net.conv_bn_act(Net::window(24, 3, stride))?;
        Ok(if pool > 1 { net.max_pool3(pool)? } else { net.at })
    })?;
    for (i, blocks) in numbers.sizes("depths")?.into_iter().enumerate() {
        let half = (channels / 2) << i;
        let stride = net.stride(2);
        net.scope(format!("stage{}.block1", i + 1), |net| first(net, half, stride))?;
        for j in 1..blocks {
            net.scope(format!("stage{}.block{}", i + 1, j + 1), |net| later(net, half))?;
        }
    }
    conv_head(net, numbers.size("head")?)
}

/// Figure 3d: both branches see the whole input.
fn first(net: &mut Net, half: usize, stride: usize) -> Result<(), ZooError> {
    let (from, inputs) = (net.at, net.channels());
    net.conv_bn(Net::window(inputs, 3, stride).groups(inputs))?;
    let left = net.conv_bn_act(Net::window(half, 1, 1))?;
    net.at = from;
    let right = branch(net, half, stride)?;
    shuffled(net, left, right)
}

/// Figure 3c: one half stays as it is.
fn later(net: &mut Net, half: usize) -> Result<(), ZooError> {
    let from = net.at;
    let left = net.push(Slice { start: 0, end: half })?;
    net.at = from;
    net.push(Slice { start: half, end: 2 * half })?;
    let right = branch(net, half, 1)?;
    shuffled(net, left, right)
}

fn branch(net: &mut Net, half: usize, stride: usize) -> Result<NodeId, ZooError> {
    net.conv_bn_act(Net::window(half, 1, 1))?;
    net.conv_bn(Net::window(half, 3, stride).groups(half))?;
    Ok(net.conv_bn_act(Net::window(half, 1, 1))?)
}

/// Both halves with their channels in turn.
fn shuffled(net: &mut Net, left: NodeId, right: NodeId) -> Result<(), ZooError> {
    net.join(Concat, &[left, right])?;
    net.shuffle(2)?;
    Ok(())
}
