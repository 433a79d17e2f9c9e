//! ConvNeXt (Liu et al. 2022): a ResNet redrawn after Vision Transformers: windows of 7 per channel, a perceptron at each position, layer
//! norm, GELU. The members below tiny, and stems that overlap, are timm's.
//!
//! | member | tiny | small | base | large | xlarge |
//! |---|---|---|---|---|---|
//! | depths | 3/3/9/3 | 3/3/27/3 | 3/3/27/3 | 3/3/27/3 | 3/3/27/3 |
//! | first width | 96 | 96 | 128 | 192 | 256 |

use crate::blocks::{depthwise_perceptron, patches};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError, make_divisible};
use nasmyth_graph::ops::{Function, LayerNorm, Linear, Scale};

pub(super) const FAMILY: Family = Family {
    name: "convnext",
    doc: "Residual blocks of a large depthwise convolution and a perceptron, with layer norm.",
    paper: "Liu, Mao, Wu, Feichtenhofer, Darrell and Xie 2022, A ConvNet for the 2020s",
    data: Data::Images,
    knobs: &[
        Knob::list("depths", "blocks of each stage", "3/3/9/3", (1, 6), (1, 200)).searched(&[1, 2, 3, 6]),
        Knob::int(
            "width",
            "channels of the first stage; each has twice as many as the one before",
            "96",
            (4, 1024),
            &[16, 24, 32, 40, 48, 64, 96],
        ),
        Knob::int("kernel", "window of the depthwise convolutions", "7", (1, 31), &[3, 5, 7]),
        Knob::real("expansion", "inner width of the perceptrons", "4", (0.5, 16.0), &[2.0, 3.0, 4.0]),
        Knob::word(
            "stem",
            "4x4 patches; or two 3x3 convolutions, the first half as wide if tiered",
            "patch",
            &["patch", "overlap", "tiered"],
        )
        .fixed(),
        Knob::word(
            "head",
            "whether the mean is normalised, or each position before it",
            "mean",
            &["mean", "positions"],
        )
        .fixed(),
        Knob::int("hidden", "width of a layer before the answers; 0: there is none", "0", (0, 16384), &[]),
        Knob::real("eps", "added to variances", "1e-6", (1e-12, 1.0), &[]),
    ],
    members: &[
        Member::new("convnext_tiny", 224, ""),
        Member::new("convnext_atto", 224, "depths=2/2/6/2,width=40"),
        Member::new("convnext_atto_ols", 224, "depths=2/2/6/2,width=40,stem=tiered"),
        Member::new("convnext_femto", 224, "depths=2/2/6/2,width=48"),
        Member::new("convnext_femto_ols", 224, "depths=2/2/6/2,width=48,stem=tiered"),
        Member::new("convnext_pico", 224, "depths=2/2/6/2,width=64"),
        Member::new("convnext_pico_ols", 224, "depths=2/2/6/2,width=64,stem=tiered"),
        Member::new("convnext_nano", 224, "depths=2/2/8/2,width=80"),
        Member::new("convnext_nano_ols", 224, "depths=2/2/8/2,width=80,stem=overlap"),
        Member::new("convnext_tiny_hnf", 224, "head=positions"),
        Member::new("convnext_small", 224, "depths=3/3/27/3"),
        Member::new("convnext_base", 224, "depths=3/3/27/3,width=128"),
        Member::new("convnext_large", 224, "depths=3/3/27/3,width=192"),
        Member::new("convnext_large_mlp", 320, "depths=3/3/27/3,width=192,hidden=1536"),
        Member::new("convnext_xlarge", 224, "depths=3/3/27/3,width=256"),
        Member::new("convnext_xxlarge", 256, "depths=3/4/30/3,width=384,eps=1e-5"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let norm = LayerNorm { eps: numbers.real("eps")? };
    let first = numbers.size("width")?;
    net.scope("stem", |net| {
        stem(net, numbers.word("stem")?, first)?;
        Ok(net.push(norm.clone())?)
    })?;
    for (i, depth) in numbers.sizes("depths")?.into_iter().enumerate() {
        let width = first << i;
        if i > 0 {
            net.scope(format!("stage{}.downsample", i + 1), |net| {
                net.push(norm.clone())?;
                patches(net, width, 2)
            })?;
        }
        for j in 0..depth {
            net.scope(format!("stage{}.block{}", i + 1, j + 1), |net| block(net, numbers, &norm))?;
        }
    }
    net.scope("head", |net| {
        if numbers.word("head")? == "positions" {
            net.push(norm.clone())?;
            net.global_average()?;
        } else {
            net.global_average()?;
            net.push(norm.clone())?;
        }
        let hidden = numbers.size("hidden")?;
        if hidden > 0 {
            net.push(Linear::new(hidden))?;
            net.activate(Function::Gelu)?;
        }
        Ok(net.classifier()?)
    })?;
    Ok(())
}

fn stem(net: &mut Net, kind: &str, width: usize) -> Result<(), ZooError> {
    if kind == "patch" {
        patches(net, width, 4)?;
        return Ok(());
    }
    let first = if kind == "tiered" { make_divisible((width / 2) as f64, 8, 0.9) } else { width };
    for out in [first, width] {
        let stride = net.stride(2);
        net.conv(Net::window(out, 3, stride).with_bias())?;
    }
    Ok(())
}

fn block(net: &mut Net, numbers: &Numbers, norm: &LayerNorm) -> Result<(), ZooError> {
    let (from, width) = (net.at, net.channels());
    let inner = (width as f64 * numbers.real("expansion")?) as usize;
    depthwise_perceptron(net, numbers.size("kernel")?, inner, width, norm)?;
    net.push(Scale { init: 1e-6 })?;
    net.add(from)?;
    Ok(())
}
