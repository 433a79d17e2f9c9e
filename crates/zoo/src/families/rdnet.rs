//! RDNet (Kim et al. 2024): DenseNet of ConvNeXt's layers, wider and shallower, with more transitions: each stage is a few layers that add
//! `growth` channels each, and begins with a transition that keeps half of the channels, in some stages at half the size.
//!
//! | member | stem | growths (section 3.3, table 2) |
//! |---|---|---|
//! | tiny | 64 | 64, 104, 4 x 128, 224 |
//! | small | 72 | 64, 128, 7 x 128, 2 x 240 |
//! | base | 120 | 96, 128, 7 x 168, 2 x 336 |
//! | large | 144 | 128, 192, 8 x 256, 2 x 360 |

use crate::blocks::{Attention, depthwise_perceptron, patches};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::{Concat, LayerNorm, Scale};

pub(super) const FAMILY: Family = Family {
    name: "rdnet",
    doc: "DenseNet of depthwise convolutions, layer norms and wide perceptrons.",
    paper: "Kim, Heo and Han 2024, DenseNets Reloaded: Paradigm Shift Beyond ResNets and ViTs",
    data: Data::Images,
    knobs: &[
        Knob::int("stem", "channels after the stem", "64", (16, 1024), &[16, 32, 64]),
        Knob::list(
            "growths",
            "channels that a layer adds, in each stage",
            "64/104/128/128/128/128/224",
            (1, 24),
            (8, 1024),
        )
        .searched(&[16, 32, 64, 128]),
        Knob::list("halvings", "1 where a stage halves the size, else 0", "0/1/1/0/0/0/1", (1, 24), (0, 1)),
        Knob::int("layers", "layers of a stage", "3", (1, 24), &[1, 2, 3]),
        Knob::int("kernel", "window of the depthwise convolutions", "7", (1, 31), &[3, 5, 7]),
        Knob::real("expansion", "inner width of the perceptrons", "4", (0.5, 16.0), &[2.0, 3.0, 4.0]),
        Knob::real("compression", "share of the channels that a transition keeps", "0.5", (0.1, 1.0), &[]),
        Knob::int("attention", "first stage with effective squeeze-excitation, from 1", "3", (1, 25), &[]),
    ],
    members: &[
        Member::new("rdnet_tiny", 224, ""),
        Member::new(
            "rdnet_small",
            224,
            "stem=72,growths=64/128/128/128/128/128/128/128/128/240/240,halvings=0/1/1/0/0/0/0/0/0/1/0",
        ),
        Member::new(
            "rdnet_base",
            224,
            "stem=120,growths=96/128/168/168/168/168/168/168/168/336/336,halvings=0/1/1/0/0/0/0/0/0/1/0",
        ),
        Member::new(
            "rdnet_large",
            224,
            "stem=144,growths=128/192/256/256/256/256/256/256/256/256/360/360,halvings=0/1/1/0/0/0/0/0/0/0/1/0",
        ),
    ],
    build,
};

const NORM: LayerNorm = LayerNorm { eps: 1e-6 };

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (growths, halvings) = (numbers.sizes("growths")?, numbers.sizes("halvings")?);
    if growths.len() != halvings.len() {
        return Err(numbers.wrong("halvings", format!("{} entries, as many as growths", growths.len())));
    }
    net.scope("stem", |net| {
        patches(net, numbers.size("stem")?, 4)?;
        Ok(net.push(NORM)?)
    })?;
    for (i, (&growth, &halves)) in growths.iter().zip(&halvings).enumerate() {
        let name = format!("stage{}", i + 1);
        if i > 0 {
            let kept = eighths(net.channels() as f64 * numbers.real("compression")?);
            net.scope(format!("{name}.transition"), |net| {
                net.push(NORM)?;
                patches(net, kept, if halves == 1 { 2 } else { 1 })
            })?;
        }
        for j in 0..numbers.size("layers")? {
            let attends = i + 1 >= numbers.size("attention")?;
            net.scope(format!("{name}.layer{}", j + 1), |net| layer(net, numbers, growth, attends))?;
        }
    }
    net.scope("head", |net| {
        net.global_average()?;
        net.push(NORM)?;
        Ok(net.classifier()?)
    })?;
    Ok(())
}

fn layer(net: &mut Net, numbers: &Numbers, growth: usize, attends: bool) -> Result<(), ZooError> {
    let before = net.at;
    let inner = eighths(net.channels() as f64 * numbers.real("expansion")?);
    depthwise_perceptron(net, numbers.size("kernel")?, inner, growth, &NORM)?;
    if attends {
        Attention::Effective.apply(net)?;
    }
    let new = net.push(Scale { init: 1e-6 })?;
    net.join(Concat, &[before, new])?;
    Ok(())
}

/// The largest multiple of 8 that is not above `value`, at least 8.
fn eighths(value: f64) -> usize {
    ((value / 8.0) as usize * 8).max(8)
}
