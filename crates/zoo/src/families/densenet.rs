//! DenseNet (Huang et al. 2017): every layer reads all layers before it in its block and adds `growth` channels to them. A layer is batch norm,
//! ReLU, 1x1 to four times the growth, batch norm, ReLU, 3x3 (DenseNet-B); a transition keeps half of the channels (DenseNet-C).
//!
//! | member | 121 | 169 | 201 | 161 | 264d |
//! |---|---|---|---|---|---|
//! | growth | 32 | 32 | 32 | 48 | 48 |
//! | depths | 6/12/24/16 | 6/12/32/32 | 6/12/48/32 | 6/12/36/24 | 6/12/64/48 |

use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::{BlurPool, Concat, Pool, Pooling};

pub(super) const FAMILY: Family = Family {
    name: "densenet",
    doc: "Every layer reads all layers before it.",
    paper: "Huang, Liu, van der Maaten and Weinberger 2017, Densely Connected Convolutional Networks",
    data: Data::Images,
    knobs: &[
        Knob::int("growth", "channels that a layer adds", "32", (1, 256), &[8, 12, 16, 24, 32]),
        Knob::list("depths", "layers of each block", "6/12/24/16", (1, 6), (1, 200)).searched(&[2, 4, 6, 12]),
        Knob::int(
            "bottleneck",
            "width of the 1x1 convolutions, as a multiple of the growth",
            "4",
            (1, 16),
            &[2, 4],
        ),
        Knob::real(
            "compression",
            "share of the channels that a transition keeps",
            "0.5",
            (0.05, 1.0),
            &[0.5, 1.0],
        ),
        Knob::word("stem", "one 7x7 convolution, or three 3x3", "single", &["single", "deep"]).fixed(),
        Knob::word("halving", "at the end of the stem: by stride or a filter", "stride", &["stride", "blur"])
            .fixed(),
    ],
    members: &[
        Member::new("densenet121", 224, ""),
        Member::new("densenet169", 224, "depths=6/12/32/32"),
        Member::new("densenet201", 224, "depths=6/12/48/32"),
        Member::new("densenet161", 224, "growth=48,depths=6/12/36/24"),
        Member::new("densenet264d", 224, "growth=48,depths=6/12/64/48,stem=deep"),
        Member::new("densenetblur121d", 224, "stem=deep,halving=blur"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (growth, compression) = (numbers.size("growth")?, numbers.real("compression")?);
    let bottleneck = growth * numbers.size("bottleneck")?;
    net.scope("stem", |net| stem(net, numbers, growth))?;
    for (i, depth) in numbers.sizes("depths")?.into_iter().enumerate() {
        if i > 0 {
            net.scope(format!("transition{i}"), |net| transition(net, compression))?;
        }
        for j in 0..depth {
            net.scope(format!("block{}.layer{}", i + 1, j + 1), |net| layer(net, growth, bottleneck))?;
        }
    }
    net.scope("head", |net| {
        net.batch_norm()?;
        net.act()?;
        Ok(net.classifier()?)
    })?;
    Ok(())
}

fn stem(net: &mut Net, numbers: &Numbers, growth: usize) -> Result<(), ZooError> {
    let stride = net.stride(2);
    if numbers.word("stem")? == "single" {
        net.conv_bn_act(Net::window(2 * growth, 7, stride))?;
    } else {
        net.conv_bn_act(Net::window(growth, 3, stride))?;
        net.conv_bn_act(Net::window(growth, 3, 1))?;
        net.conv_bn_act(Net::window(2 * growth, 3, 1))?;
    }
    let stride = net.stride(2);
    if stride != 1 && numbers.word("halving")? == "blur" {
        net.max_pool3(1)?;
        net.push(BlurPool { size: 3, stride })?;
    } else {
        net.max_pool3(stride)?;
    }
    Ok(())
}

fn layer(net: &mut Net, growth: usize, bottleneck: usize) -> Result<(), ZooError> {
    let before = net.at;
    net.batch_norm()?;
    net.act()?;
    net.conv_bn_act(Net::window(bottleneck, 1, 1))?;
    let new = net.conv(Net::window(growth, 3, 1))?;
    net.join(Concat, &[before, new])?;
    Ok(())
}

fn transition(net: &mut Net, compression: f64) -> Result<(), ZooError> {
    net.batch_norm()?;
    net.act()?;
    let kept = (net.channels() as f64 * compression) as usize;
    net.conv(Net::window(kept.max(1), 1, 1))?;
    let stride = net.stride(2);
    net.push(Pool::new(Pooling::Average, &[stride, stride]))?;
    Ok(())
}
