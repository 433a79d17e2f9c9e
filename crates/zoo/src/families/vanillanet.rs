//! VanillaNet (Chen et al. 2023): one 1x1 convolution per layer and nothing else. For training each is two, with batch norms and
//! between them `x max + slope x min`, whose slope goes to 1 as training proceeds (equation 1), so that at inference the two are one; the
//! activation is a sum of shifted ReLUs that read their neighbours (equation 6): ReLU and a depthwise convolution.
//!
//! | member | 5 | 6 | 7 | 8 and more |
//! |---|---|---|---|---|
//! | widths / 512 | 1/2/4/8 | 1/2/4/8/8 | 1/1/2/4/8/8 | 1/1/2/4../8/8 |

use crate::blocks::patches;
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{BatchNorm, Function, LeakyRelu, Linear, Pool, Pooling};

/// Table 1 of the paper: widths of stem and layers, and which layers halve the size.
macro_rules! vanilla {
    ($name:literal, $widths:literal, $halvings:literal) => {
        Member::new($name, 224, concat!("widths=", $widths, ",halvings=", $halvings))
    };
}

pub(super) const FAMILY: Family = Family {
    name: "vanillanet",
    doc: "Few layers, each a 1x1 convolution and an activation that reads its neighbours; trained as two.",
    paper: "Chen, Wang, Guo and Tao 2023, VanillaNet: the Power of Minimalism in Deep Learning",
    data: Data::Images,
    knobs: &[
        Knob::list(
            "widths",
            "channels of the stem and of each layer after it",
            "512/1024/2048/4096",
            (2, 64),
            (1, 16384),
        )
        .searched(&[32, 64, 128, 256, 512]),
        Knob::list("halvings", "1 for a layer that halves the size, else 0", "1/1/1", (1, 63), (0, 1)),
        Knob::int("series", "shifts of the activation's ReLUs to each side", "3", (0, 15), &[1, 2, 3]),
        Knob::real(
            "slope",
            "of what is between two convolutions, at negative values; 1: nothing is",
            "1",
            (0.0, 1.0),
            &[],
        ),
    ],
    members: &[
        vanilla!("vanillanet_5", "512/1024/2048/4096", "1/1/1"),
        vanilla!("vanillanet_6", "512/1024/2048/4096/4096", "1/1/1/0"),
        vanilla!("vanillanet_7", "512/512/1024/2048/4096/4096", "0/1/1/1/0"),
        vanilla!("vanillanet_8", "512/512/1024/2048/2048/4096/4096", "0/1/1/0/1/0"),
        vanilla!("vanillanet_9", "512/512/1024/2048/2048/2048/4096/4096", "0/1/1/0/0/1/0"),
        vanilla!("vanillanet_10", "512/512/1024/2048/2048/2048/2048/4096/4096", "0/1/1/0/0/0/1/0"),
        vanilla!("vanillanet_11", "512/512/1024/2048/2048/2048/2048/2048/4096/4096", "0/1/1/0/0/0/0/1/0"),
        vanilla!(
            "vanillanet_12",
            "512/512/1024/2048/2048/2048/2048/2048/2048/4096/4096",
            "0/1/1/0/0/0/0/0/1/0"
        ),
        vanilla!(
            "vanillanet_13",
            "512/512/1024/2048/2048/2048/2048/2048/2048/2048/4096/4096",
            "0/1/1/0/0/0/0/0/0/1/0"
        ),
        vanilla!(
            "vanillanet_13_x1_5",
            "768/768/1536/3072/3072/3072/3072/3072/3072/3072/6144/6144",
            "0/1/1/0/0/0/0/0/0/1/0"
        ),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (widths, halvings) = (numbers.sizes("widths")?, numbers.sizes("halvings")?);
    if halvings.len() + 1 != widths.len() {
        return Err(numbers.wrong("halvings", format!("{} entries, one fewer than widths", widths.len() - 1)));
    }
    net.style.norm = BatchNorm { eps: 1e-6, ..BatchNorm::default() };
    net.scope("stem", |net| {
        patches(net, widths[0], 4)?;
        between(net, numbers)?;
        pointwise(net, widths[0])?;
        activation(net, numbers)
    })?;
    for (i, (&out, &halves)) in widths[1..].iter().zip(&halvings).enumerate() {
        net.scope(format!("layer{}", i + 1), |net| {
            let inputs = net.channels();
            net.conv(Net::window(inputs, 1, 1).with_bias())?;
            between(net, numbers)?;
            pointwise(net, out)?;
            let stride = net.stride(1 + halves);
            if stride != 1 {
                net.push(Pool::new(Pooling::Max, &[stride, stride]))?;
            }
            activation(net, numbers)
        })?;
    }
    net.scope("head", |net| {
        net.global_average()?;
        net.push(Linear::new(net.outputs()))?;
        between(net, numbers)?;
        Ok(net.classifier()?)
    })?;
    Ok(())
}

/// What follows the first of two layers.
fn between(net: &mut Net, numbers: &Numbers) -> Result<NodeId, ZooError> {
    net.batch_norm()?;
    Ok(net.push(LeakyRelu { slope: numbers.real("slope")? })?)
}

fn pointwise(net: &mut Net, out: usize) -> Result<NodeId, ZooError> {
    Ok(net.conv_bn(Net::window(out, 1, 1).with_bias())?)
}

fn activation(net: &mut Net, numbers: &Numbers) -> Result<NodeId, ZooError> {
    net.activate(Function::Relu)?;
    let channels = net.channels();
    Ok(net.conv_bn(Net::window(channels, 2 * numbers.size("series")? + 1, 1).groups(channels))?)
}
