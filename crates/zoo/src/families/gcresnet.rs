//! GCNet (Cao et al. 2019): global context inside bottlenecks. The published networks are timm's: a stem of three convolutions, 3/8, 1/2
//! and all of `stem` wide; the same trunk with squeeze-excitation or without attention are members too.

use crate::blocks::{Attention, Residual, bottleneck};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError, make_divisible};
use nasmyth_graph::ops::Function;

pub(super) const FAMILY: Family = Family {
    name: "gcresnet",
    doc: "Bottlenecks with global context: what all positions have in common is added to each.",
    paper: "Cao, Xu, Lin, Wei and Hu 2019, GCNet: Non-local Networks Meet Squeeze-Excitation Networks and Beyond",
    data: Data::Images,
    knobs: &[
        Knob::list("depths", "blocks of each stage", "3/4/6/3", (1, 6), (1, 200)).searched(&[1, 2, 3, 4]),
        Knob::list("widths", "channels of each stage", "256/512/1024/2048", (1, 6), (8, 8192))
            .searched(&[64, 128, 256, 512]),
        Knob::int(
            "group",
            "channels of a group of the 3x3 convolutions; 0: one group",
            "0",
            (0, 1024),
            &[0, 8, 16],
        ),
        Knob::int("stem", "channels after the stem", "64", (8, 1024), &[16, 32, 64]),
        Knob::word("stem_pool", "what halves the size at the end of the stem", "conv", &["conv", "max"])
            .fixed(),
        Knob::int("head", "channels before the mean; 0: those of the last stage", "0", (0, 8192), &[]),
        Knob::word("attention", "after the 3x3 convolutions", "context", &["context", "squeeze", "none"]),
        Knob::word("act", "activation", "relu", &["relu", "silu"]).fixed(),
    ],
    members: &[
        Member::new("gcresnet50t", 256, ""),
        Member::new("gcresnet33ts", 256, "depths=2/3/3/2,widths=256/512/1536/1536,head=1280,act=silu"),
        Member::new("gcresnext26ts", 256, "depths=2/2/2/2,group=32,stem_pool=max,act=silu"),
        Member::new("gcresnext50ts", 256, "group=32,stem_pool=max,act=silu"),
        Member::new("resnet32ts", 256, "depths=2/3/3/2,widths=256/512/1536/1536,attention=none,act=silu"),
        Member::new(
            "resnet33ts",
            256,
            "depths=2/3/3/2,widths=256/512/1536/1536,head=1280,attention=none,act=silu",
        ),
        Member::new("resnext26ts", 256, "depths=2/2/2/2,group=32,stem_pool=max,attention=none,act=silu"),
        Member::new(
            "seresnet33ts",
            256,
            "depths=2/3/3/2,widths=256/512/1536/1536,head=1280,attention=squeeze,act=silu",
        ),
        Member::new("seresnext26ts", 256, "depths=2/2/2/2,group=32,stem_pool=max,attention=squeeze,act=silu"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    if numbers.word("act")? == "silu" {
        net.style.act = Function::Silu;
    }
    let attention = match numbers.word("attention")? {
        "context" => Some(Attention::Context { share: 1.0 / 8.0 }),
        "squeeze" => Attention::squeeze(1.0 / 16.0),
        _ => None,
    };
    let (depths, widths) = (numbers.sizes("depths")?, numbers.sizes("widths")?);
    if depths.len() != widths.len() {
        return Err(numbers.wrong("widths", format!("{} entries, as many as depths", depths.len())));
    }
    net.scope("stem", |net| stem(net, numbers))?;
    for (i, (&depth, &width)) in depths.iter().zip(&widths).enumerate() {
        let (out, middle) =
            (make_divisible(width as f64, 8, 0.9), make_divisible(width as f64 / 4.0, 8, 0.9));
        let groups = match numbers.size("group")? {
            0 => 1,
            group if !middle.is_multiple_of(group) => {
                return Err(numbers.wrong("group", format!("a divisor of a block's inner width, {middle}")));
            }
            group => middle / group,
        };
        for j in 0..depth {
            let stride = if i > 0 && j == 0 { net.stride(2) } else { 1 };
            let block =
                Residual { groups, stride, attention, attention_inside: true, ..Residual::new(out, middle) };
            net.scope(format!("stage{}.block{}", i + 1, j + 1), |net| bottleneck(net, &block))?;
        }
    }
    net.scope("head", |net| {
        match numbers.size("head")? {
            0 => {}
            head => {
                net.conv_bn_act(Net::window(head, 1, 1))?;
            }
        }
        Ok(net.classifier()?)
    })?;
    Ok(())
}

fn stem(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let width = numbers.size("stem")?;
    let strides = [net.stride(2), net.stride(2)];
    let is_pooled = numbers.word("stem_pool")? == "max";
    net.conv_bn_act(Net::window(3 * width / 8, 3, strides[0]))?;
    net.conv_bn_act(Net::window(width / 2, 3, 1))?;
    net.conv_bn_act(Net::window(width, 3, if is_pooled { 1 } else { strides[1] }))?;
    if is_pooled {
        net.max_pool3(strides[1])?;
    }
    Ok(())
}
