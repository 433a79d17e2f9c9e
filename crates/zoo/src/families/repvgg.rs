//! RepVGG (Ding et al. 2021): a VGG whose every layer is trained as the sum of a 3x3 and a 1x1 convolution and the value itself, each
//! with batch norm. This is the form for training; reparametrisation makes one convolution of each sum.
//!
//! | member | A0 | A1 | A2 | B0 | B1 | B2 | B3 | D2se |
//! |---|---|---|---|---|---|---|---|---|
//! | a (table 2) | 0.75 | 1 | 1.5 | 1 | 2 | 2.5 | 3 | 2.5 |
//! | b | 2.5 | 2.5 | 2.75 | 2.5 | 4 | 5 | 5 | 5 |

use crate::blocks::{Attention, branches};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError, make_divisible};
use nasmyth_graph::ops::Function;

pub(super) const FAMILY: Family = Family {
    name: "repvgg",
    doc: "Layers that are trained as three branches and run as one 3x3 convolution.",
    paper: "Ding, Zhang, Ma, Han, Ding and Sun 2021, RepVGG: Making VGG-style ConvNets Great Again",
    data: Data::Images,
    knobs: &[
        Knob::list("depths", "layers of the four stages after the first layer", "2/4/14/1", (4, 4), (1, 200))
            .searched(&[1, 2, 4]),
        Knob::real(
            "a",
            "factor of the channels of the first three stages, 64, 128 and 256",
            "1",
            (0.05, 8.0),
            &[0.25, 0.5, 0.75, 1.0],
        ),
        Knob::real(
            "b",
            "factor of the channels of the last stage, 512",
            "2.5",
            (0.05, 8.0),
            &[0.25, 0.5, 1.0, 2.5],
        ),
        Knob::int("groups", "groups of every second layer", "1", (1, 64), &[1, 2, 4]),
        Knob::real("squeeze", "squeeze-excitation as a share of a layer's channels", "0", (0.0, 1.0), &[]),
    ],
    members: &[
        Member::new("repvgg_a0", 224, "a=0.75,b=2.5"),
        Member::new("repvgg_a1", 224, "a=1,b=2.5"),
        Member::new("repvgg_a2", 224, "a=1.5,b=2.75"),
        Member::new("repvgg_b0", 224, "depths=4/6/16/1,a=1,b=2.5"),
        Member::new("repvgg_b1", 224, "depths=4/6/16/1,a=2,b=4"),
        Member::new("repvgg_b1g4", 224, "depths=4/6/16/1,a=2,b=4,groups=4"),
        Member::new("repvgg_b2", 224, "depths=4/6/16/1,a=2.5,b=5"),
        Member::new("repvgg_b2g4", 224, "depths=4/6/16/1,a=2.5,b=5,groups=4"),
        Member::new("repvgg_b3", 224, "depths=4/6/16/1,a=3,b=5"),
        Member::new("repvgg_b3g4", 224, "depths=4/6/16/1,a=3,b=5,groups=4"),
        Member::new("repvgg_d2se", 320, "depths=8/14/24/1,a=2.5,b=5,squeeze=0.0625"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (a, b) = (numbers.real("a")?, numbers.real("b")?);
    net.scope("stem", |net| layer(net, numbers, (64.0 * a.min(1.0)) as usize, true, 1))?;
    let widths = [64.0 * a, 128.0 * a, 256.0 * a, 512.0 * b];
    for (i, (depth, width)) in numbers.sizes("depths")?.into_iter().zip(widths).enumerate() {
        let width = make_divisible(width, 8, 0.9);
        for j in 0..depth {
            let groups = if j % 2 == 1 { numbers.size("groups")? } else { 1 };
            if !width.is_multiple_of(groups) {
                return Err(numbers.wrong("groups", format!("a divisor of a stage's channels, {width}")));
            }
            let name = format!("stage{}.layer{}", i + 1, j + 1);
            net.scope(name, |net| layer(net, numbers, width, j == 0, groups))?;
        }
    }
    net.scope("head", |net| Ok(net.classifier()?))?;
    Ok(())
}

fn layer(net: &mut Net, numbers: &Numbers, out: usize, halves: bool, groups: usize) -> Result<(), ZooError> {
    let stride = net.stride(if halves { 2 } else { 1 });
    branches(net, Net::window(out, 3, stride).groups(groups), 1)?;
    let share = numbers.real("squeeze")?;
    if share > 0.0 {
        Attention::Squeeze { share, divisor: 1, act: Function::Relu }.apply(net)?;
    }
    net.act()?;
    Ok(())
}
