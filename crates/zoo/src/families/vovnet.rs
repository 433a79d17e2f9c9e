//! VoVNet (Lee et al. 2019): DenseNet's joins, but once per block: a chain of 3x3 convolutions whose outputs, and the block's input, are
//! joined at its end. VoVNetV2 (Lee and Park 2020) adds the input to all but a stage's first block, and effective squeeze-excitation.
//!
//! | member | 19b | 39a, 39b | 57a, 57b | 99b |
//! |---|---|---|---|---|
//! | blocks | 1/1/1/1 | 1/1/2/2 | 1/1/4/3 | 1/3/9/3 |
//! | layers | 3 | 5 | 5 | 5 |

use crate::blocks::Attention;
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{Concat, Pool, Pooling};

pub(super) const FAMILY: Family = Family {
    name: "vovnet",
    doc: "Chains of convolutions, joined once at the end of each block.",
    paper: "Lee, Hwang, Lee, Bae and Park 2019, An Energy and GPU-Computation Efficient Backbone Network for Real-Time Object Detection",
    data: Data::Images,
    knobs: &[
        Knob::list("blocks", "blocks of each stage", "1/1/2/2", (4, 4), (1, 100)).searched(&[1, 2]),
        Knob::int("layers", "convolutions of a block", "5", (1, 64), &[2, 3, 5]),
        Knob::list("inner", "channels of each stage's convolutions", "128/160/192/224", (4, 4), (1, 4096))
            .searched(&[16, 32, 64, 128]),
        Knob::list("widths", "channels after each stage's blocks", "256/512/768/1024", (4, 4), (1, 8192))
            .searched(&[64, 128, 256, 512]),
        Knob::int("stem", "channels after the stem", "128", (1, 2048), &[32, 64, 128]),
        Knob::int("version", "2: with shortcuts and effective squeeze-excitation", "1", (1, 2), &[1, 2]),
        Knob::word("conv", "full or depthwise separable convolutions", "full", &["full", "separable"]),
    ],
    members: &[
        Member::new("vovnet39a", 224, ""),
        Member::new("vovnet57a", 224, "blocks=1/1/4/3"),
        Member::new("ese_vovnet19b_dw", 224, "blocks=1/1/1/1,layers=3,stem=64,version=2,conv=separable"),
        Member::new(
            "ese_vovnet19b_slim",
            224,
            "blocks=1/1/1/1,layers=3,inner=64/80/96/112,widths=112/256/384/512,version=2",
        ),
        Member::new(
            "ese_vovnet19b_slim_dw",
            224,
            "blocks=1/1/1/1,layers=3,inner=64/80/96/112,widths=112/256/384/512,stem=64,version=2,conv=separable",
        ),
        Member::new("ese_vovnet39b", 224, "version=2"),
        Member::new("ese_vovnet57b", 256, "blocks=1/1/4/3,version=2"),
        Member::new("ese_vovnet99b", 224, "blocks=1/3/9/3,version=2"),
    ],
    build,
};

/// Channels of the first two layers.
const FIRST: usize = 64;

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let is_separable = numbers.word("conv")? == "separable";
    let is_second = numbers.size("version")? == 2;
    net.scope("stem", |net| {
        let stride = net.stride(2);
        net.conv_bn_act(Net::window(FIRST, 3, stride))?;
        layer(net, FIRST, 1, is_separable)?;
        let stride = net.stride(2);
        layer(net, numbers.size("stem")?, stride, is_separable)
    })?;
    let (inner, widths, layers) =
        (numbers.sizes("inner")?, numbers.sizes("widths")?, numbers.size("layers")?);
    for (i, count) in numbers.sizes("blocks")?.into_iter().enumerate() {
        let name = format!("stage{}", i + 1);
        if i > 0 {
            net.scope(&name, halve)?;
        }
        for j in 0..count {
            net.scope(format!("{name}.block{}", j + 1), |net| {
                let from = net.at;
                aggregate(net, inner[i], layers, is_separable)?;
                net.conv_bn_act(Net::window(widths[i], 1, 1))?;
                if is_second && j + 1 == count {
                    Attention::Effective.apply(net)?;
                }
                if is_second && j > 0 {
                    net.add(from)?;
                }
                Ok(())
            })?;
        }
    }
    net.scope("head", |net| Ok(net.classifier()?))?;
    Ok(())
}

/// One-shot aggregation (figure 1b), without its last convolution.
fn aggregate(net: &mut Net, inner: usize, layers: usize, is_separable: bool) -> Result<(), ZooError> {
    let mut joined = vec![net.at];
    if is_separable && net.channels() != inner {
        net.conv_bn_act(Net::window(inner, 1, 1))?;
    }
    for _ in 0..layers {
        joined.push(layer(net, inner, 1, is_separable)?);
    }
    net.join(Concat, &joined)?;
    Ok(())
}

fn layer(net: &mut Net, out: usize, stride: usize, is_separable: bool) -> Result<NodeId, ZooError> {
    if !is_separable {
        return Ok(net.conv_bn_act(Net::window(out, 3, stride))?);
    }
    let channels = net.channels();
    net.conv(Net::window(channels, 3, stride).groups(channels))?;
    Ok(net.conv_bn_act(Net::window(out, 1, 1))?)
}

/// A maximum over 3x3 windows from the first position on; the last of an even size reach one position beyond.
fn halve(net: &mut Net) -> Result<NodeId, ZooError> {
    let stride = net.stride(2);
    if stride == 1 {
        return Ok(net.max_pool3(1)?);
    }
    let even = net.shape().spatial().iter().map(|n| (n + 1) % 2);
    let pad = [0, 0].into_iter().chain(even).collect();
    Ok(net.push(Pool { pooling: Pooling::Max, kernel: vec![3, 3], stride: vec![stride; 2], pad })?)
}
