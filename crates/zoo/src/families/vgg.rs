//! VGG (Simonyan and Zisserman 2015): 3x3 convolutions, a maximum over 2x2 after each stage, two wide layers. The wide layers are
//! convolutions, the first over 7x7 positions (all there are, if fewer), so that larger images give a mean of answers (section 3.2).
//!
//! | member | 11 (A) | 13 (B) | 16 (D) | 19 (E) |
//! |---|---|---|---|---|
//! | depths | 1/1/2/2/2 | 2/2/2/2/2 | 2/2/3/3/3 | 2/2/4/4/4 |

use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::{Conv, Dropout, Pool, Pooling};

pub(super) const FAMILY: Family = Family {
    name: "vgg",
    doc: "Plain 3x3 convolutions, halved after each stage, and two wide layers.",
    paper: "Simonyan and Zisserman 2015, Very Deep Convolutional Networks for Large-Scale Image Recognition",
    data: Data::Images,
    knobs: &[
        Knob::list("depths", "convolutions of each stage", "2/2/3/3/3", (1, 8), (1, 100))
            .searched(&[1, 2, 3]),
        Knob::int(
            "width",
            "channels of the first stage; doubled up to eight times that",
            "64",
            (1, 1024),
            &[8, 16, 32, 64],
        ),
        Knob::int(
            "hidden",
            "width of the two layers before the answers",
            "4096",
            (1, 16384),
            &[64, 128, 256, 512],
        ),
        Knob::word("norm", "batch norm after convolutions", "none", &["none", "batch"]),
        Knob::real("dropout", "after each of the two wide layers", "0.5", (0.0, 0.95), &[]),
    ],
    members: &[
        Member::new("vgg16", 224, ""),
        Member::new("vgg11", 224, "depths=1/1/2/2/2"),
        Member::new("vgg13", 224, "depths=2/2/2/2/2"),
        Member::new("vgg19", 224, "depths=2/2/4/4/4"),
        Member::new("vgg11_bn", 224, "depths=1/1/2/2/2,norm=batch"),
        Member::new("vgg13_bn", 224, "depths=2/2/2/2/2,norm=batch"),
        Member::new("vgg16_bn", 224, "norm=batch"),
        Member::new("vgg19_bn", 224, "depths=2/2/4/4/4,norm=batch"),
    ],
    build,
};

/// Positions that the first wide layer reads along each axis.
const LAST_SIDE: usize = 7;

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let norm = numbers.word("norm")? == "batch";
    for (i, depth) in numbers.sizes("depths")?.into_iter().enumerate() {
        let width = numbers.size("width")? << i.min(3);
        net.scope(format!("stage{}", i + 1), |net| {
            for _ in 0..depth {
                net.conv(Net::window(width, 3, 1).with_bias())?;
                if norm {
                    net.batch_norm()?;
                }
                net.act()?;
            }
            let stride = net.stride(2);
            Ok(net.push(Pool::new(Pooling::Max, &[stride, stride]))?)
        })?;
    }
    net.scope("head", |net| {
        let side: Vec<usize> = net.shape().spatial().iter().map(|&n| n.min(LAST_SIDE)).collect();
        for kernel in [side, vec![1, 1]] {
            let conv = Conv::same(numbers.size("hidden")?, &kernel).with_bias();
            net.push(Conv { pad: vec![0; 4], ..conv })?;
            net.act()?;
            net.push(Dropout { rate: numbers.real("dropout")? })?;
        }
        Ok(net.classifier()?)
    })?;
    Ok(())
}
