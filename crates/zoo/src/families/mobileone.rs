//! MobileOne (Vasu et al. 2023): depthwise separable convolutions; each of the two layers is trained as the sum of `branches`
//! convolutions, a 1x1 convolution and the value itself, each with batch norm. This is the form for training; reparametrisation
//! makes one convolution of each sum.
//!
//! | member | S0 | S1 | S2 | S3 | S4 |
//! |---|---|---|---|---|---|
//! | widths (table 2) | 0.75, 1, 1, 2 | 1.5, 1.5, 2, 2.5 | 1.5, 2, 2.5, 4 | 2, 2.5, 3, 4 | 3, 3.5, 3.5, 4 |
//! | branches | 4 | 1 | 1 | 1 | 1 |

use crate::blocks::{Attention, branches};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError, make_divisible};
use nasmyth_graph::ops::Conv;

pub(super) const FAMILY: Family = Family {
    name: "mobileone",
    doc: "Depthwise separable convolutions that are trained as several branches and run as one.",
    paper: "Vasu, Gabriel, Zhu, Tuzel and Ranjan 2023, MobileOne: An Improved One Millisecond Mobile Backbone",
    data: Data::Images,
    knobs: &[
        Knob::list("depths", "blocks of the four stages", "2/8/10/1", (4, 4), (1, 200)).searched(&[1, 2, 4]),
        Knob::reals(
            "widths",
            "factors of the stages' channels, 64, 128, 256 and 512",
            "0.75/1/1/2",
            (4, 4),
            (0.05, 16.0),
        )
        .searched_reals(&[0.25, 0.5, 1.0, 2.0]),
        Knob::int("branches", "convolutions of each sum", "4", (1, 16), &[1, 2, 4]),
        Knob::list(
            "squeezed",
            "last blocks of each stage that have squeeze-excitation",
            "0/0/0/0",
            (4, 4),
            (0, 200),
        ),
    ],
    members: &[
        Member::new("mobileone_s0", 224, ""),
        Member::new("mobileone_s1", 224, "widths=1.5/1.5/2/2.5,branches=1"),
        Member::new("mobileone_s2", 224, "widths=1.5/2/2.5/4,branches=1"),
        Member::new("mobileone_s3", 224, "widths=2/2.5/3/4,branches=1"),
        Member::new("mobileone_s4", 224, "widths=3/3.5/3.5/4,branches=1,squeezed=0/0/5/1"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (depths, widths, squeezed) =
        (numbers.sizes("depths")?, numbers.reals("widths")?, numbers.sizes("squeezed")?);
    let count = numbers.size("branches")?;
    let stride = net.stride(2);
    let width = (64.0 * widths[0].min(1.0)) as usize;
    net.scope("stem", |net| layer(net, Net::window(width, 3, stride), 1, false))?;
    for (i, ((&depth, width), squeezed)) in depths.iter().zip(widths).zip(squeezed).enumerate() {
        let out = make_divisible((64 << i) as f64 * width, 8, 0.9);
        for j in 0..depth {
            let stride = if j == 0 { net.stride(2) } else { 1 };
            let squeezes = j + squeezed >= depth;
            let name = format!("stage{}.block{}", i + 1, j + 1);
            net.scope(format!("{name}.depthwise"), |net| {
                let channels = net.channels();
                layer(net, Net::window(channels, 3, stride).groups(channels), count, squeezes)
            })?;
            net.scope(format!("{name}.pointwise"), |net| {
                layer(net, Net::window(out, 1, 1), count, squeezes)
            })?;
        }
    }
    net.scope("head", |net| Ok(net.classifier()?))?;
    Ok(())
}

fn layer(net: &mut Net, conv: Conv, count: usize, squeezes: bool) -> Result<(), ZooError> {
    branches(net, conv, count)?;
    if let Some(attention) = Attention::squeeze(1.0 / 16.0).filter(|_| squeezes) {
        attention.apply(net)?;
    }
    net.act()?;
    Ok(())
}
