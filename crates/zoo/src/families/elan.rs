//! ELAN (Wang, Liao and Yeh 2022): a stage is a chain of 3x3 convolutions; the outputs of every `step`-th one, and of two 1x1 convolutions at
//! its begin, are joined at its end, so that the longest gradient path stays short however deep the chain is (figure 1c). The trunk is that of
//! YOLOv7 (Wang, Bochkovskiy and Liao 2023, figure 2b) with a linear layer for classes; its numbers are those of the authors' repository.

use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::{BatchNorm, Concat, Function, Pool, Pooling};

pub(super) const FAMILY: Family = Family {
    name: "elan",
    doc: "Chains of convolutions whose links are joined at the end: every gradient path is short.",
    paper: "Wang, Liao and Yeh 2022, Designing Network Design Strategies Through Gradient Path Analysis",
    data: Data::Images,
    knobs: &[
        Knob::list("hidden", "channels of each stage's chain", "64/128/256/256", (1, 6), (1, 4096))
            .searched(&[16, 32, 64, 128]),
        Knob::list("widths", "channels of each stage", "256/512/1024/1024", (1, 6), (2, 16384))
            .searched(&[64, 128, 256, 512]),
        Knob::int("links", "outputs of the chain that are joined", "2", (1, 32), &[1, 2, 3]),
        Knob::int("step", "convolutions from one of them to the next", "2", (1, 32), &[1, 2]),
        Knob::int("stem", "channels of the first layer", "32", (1, 2048), &[8, 16, 32]),
        Knob::word("act", "activation", "silu", &["silu", "relu", "leaky_relu"]),
    ],
    members: &[
        Member::new("elan_yolov7", 224, ""),
        Member::new("elan_yolov7x", 224, "widths=320/640/1280/1280,links=3,stem=40"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (hidden, widths) = (numbers.sizes("hidden")?, numbers.sizes("widths")?);
    if hidden.len() != widths.len() {
        return Err(numbers.wrong("widths", format!("{} entries, as many as hidden", hidden.len())));
    }
    net.style.norm = BatchNorm { eps: 1e-3, momentum: 0.03 };
    net.style.act = match numbers.word("act")? {
        "relu" => Function::Relu,
        "leaky_relu" => Function::LeakyRelu,
        _ => Function::Silu,
    };
    let stem = numbers.size("stem")?;
    net.scope("stem", |net| {
        net.conv_bn_act(Net::window(stem, 3, 1))?;
        for width in [2 * stem, 4 * stem] {
            let stride = net.stride(2);
            net.conv_bn_act(Net::window(width, 3, stride))?;
            if width == 2 * stem {
                net.conv_bn_act(Net::window(width, 3, 1))?;
            }
        }
        Ok(())
    })?;
    for (i, (&hidden, &width)) in hidden.iter().zip(&widths).enumerate() {
        net.scope(format!("stage{}", i + 1), |net| {
            if i > 0 {
                net.scope("transition", transition)?;
            }
            aggregate(net, numbers, hidden, width)
        })?;
    }
    net.scope("head", |net| Ok(net.classifier()?))?;
    Ok(())
}

/// Half of the channels by a maximum over 2x2, half by a convolution with stride.
fn transition(net: &mut Net) -> Result<(), ZooError> {
    let (from, half) = (net.at, (net.channels() / 2).max(1));
    let stride = net.stride(2);
    let odd = net.shape().spatial().iter().map(|n| if stride == 2 { n % 2 } else { 0 });
    let pad = [0, 0].into_iter().chain(odd).collect();
    net.push(Pool { pad, ..Pool::new(Pooling::Max, &[stride, stride]) })?;
    let pooled = net.conv_bn_act(Net::window(half, 1, 1))?;
    net.at = from;
    net.conv_bn_act(Net::window(half, 1, 1))?;
    let strided = net.conv_bn_act(Net::window(half, 3, stride))?;
    net.join(Concat, &[strided, pooled])?;
    Ok(())
}

fn aggregate(net: &mut Net, numbers: &Numbers, hidden: usize, width: usize) -> Result<(), ZooError> {
    let from = net.at;
    let passing = net.conv_bn_act(Net::window(hidden, 1, 1))?;
    net.at = from;
    let mut joined = vec![passing, net.conv_bn_act(Net::window(hidden, 1, 1))?];
    for _ in 0..numbers.size("links")? {
        for _ in 0..numbers.size("step")? {
            net.conv_bn_act(Net::window(hidden, 3, 1))?;
        }
        joined.push(net.at);
    }
    joined.reverse();
    net.join(Concat, &joined)?;
    net.conv_bn_act(Net::window(width, 1, 1))?;
    Ok(())
}
