//! GENet (Lin et al. 2020): full convolutions where images are large, bottlenecks in the middle, depthwise ones where they are small; found for
//! GPUs. XX blocks are two 3x3 convolutions, BL blocks bottlenecks, DW blocks depthwise inverted bottlenecks, all with a shortcut.
//!
//! | member | stem | XX | XX | BL | DW | DW | head |
//! |---|---|---|---|---|---|---|---|
//! | small (table 6) | 13 | 1 x 48 | 3 x 48 | 7 x 384 | 2 x 560 | 1 x 256 | 1920 |
//! | normal | 32 | 1 x 128 | 2 x 192 | 6 x 640 | 4 x 640 | 1 x 640 | 2560 |
//! | large | 32 | 1 x 128 | 2 x 192 | 6 x 640 | 5 x 640 | 4 x 640 | 2560 |

use crate::blocks::{Residual, basic, bottleneck};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError, make_divisible};

pub(super) const FAMILY: Family = Family {
    name: "genet",
    doc: "Residual stages of full convolutions, bottlenecks, and depthwise inverted bottlenecks.",
    paper: "Lin, Chen, Chen, Li and Jin 2020, Neural Architecture Design for GPU-Efficient Networks",
    data: Data::Images,
    knobs: &[
        Knob::list("depths", "blocks of the five stages", "1/3/7/2/1", (5, 5), (1, 200)).searched(&[1, 2, 3]),
        Knob::list("widths", "channels of the five stages", "48/48/384/560/256", (5, 5), (8, 4096))
            .searched(&[32, 64, 128, 256]),
        Knob::int("stem", "channels of the first layer", "13", (1, 1024), &[8, 13, 32]),
        Knob::int("head", "channels before the mean", "1920", (1, 16384), &[256, 512, 1280]),
        Knob::real(
            "bottleneck",
            "inner width of the third stage's blocks, as a factor",
            "0.25",
            (0.05, 8.0),
            &[],
        ),
        Knob::real(
            "expansion",
            "inner width of the last two stages' blocks, as a factor",
            "3",
            (0.05, 16.0),
            &[2.0, 3.0],
        ),
    ],
    members: &[
        Member::new("gernet_s", 224, ""),
        Member::new("gernet_m", 224, "depths=1/2/6/4/1,widths=128/192/640/640/640,stem=32,head=2560"),
        Member::new("gernet_l", 256, "depths=1/2/6/5/4,widths=128/192/640/640/640,stem=32,head=2560"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let stride = net.stride(2);
    net.scope("stem", |net| Ok(net.conv_bn_act(Net::window(numbers.size("stem")?, 3, stride))?))?;
    let (narrow, wide) = (numbers.real("bottleneck")?, numbers.real("expansion")?);
    for (i, (depth, width)) in numbers.sizes("depths")?.into_iter().zip(numbers.sizes("widths")?).enumerate()
    {
        let out = make_divisible(width as f64, 8, 0.9);
        let ratio = [1.0, 1.0, narrow, wide, wide][i];
        let middle = make_divisible(out as f64 * ratio, 8, 0.9);
        for j in 0..depth {
            let stride = if i < 4 && j == 0 { net.stride(2) } else { 1 };
            let groups = if i >= 3 { middle } else { 1 };
            let block = Residual { stride, groups, ..Residual::new(out, middle) };
            let layers = if i < 2 { basic } else { bottleneck };
            net.scope(format!("stage{}.block{}", i + 1, j + 1), |net| layers(net, &block))?;
        }
    }
    net.scope("head", |net| {
        net.conv_bn_act(Net::window(numbers.size("head")?, 1, 1))?;
        Ok(net.classifier()?)
    })?;
    Ok(())
}
