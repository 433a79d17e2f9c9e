//! SimpleNet (Hasanpour et al. 2016): thirteen plain convolutions of slowly growing width, a few pools late, two 1x1 convolutions near
//! the end, the maximum over all positions. The members are those of the authors' repository, whose 1x1 convolutions are padded too.

use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError, round_half_even};
use nasmyth_graph::ops::{BatchNorm, Conv, GlobalPool, Linear, Pool, Pooling};

/// The networks for ImageNet: those of 5 million parameters, scaled, and the wider ones of 9 million.
macro_rules! imagenet {
    (5, $name:literal, $scale:literal, $halvings:literal) => {
        Member::new($name, 224, concat!("scale=", $scale, ",halvings=", $halvings, ",pools=6/10"))
    };
    (9, $name:literal, $halvings:literal) => {
        Member::new(
            $name,
            224,
            concat!(
                "widths=128/192/192/192/192/192/320/320/320/640/2560/320/320,halvings=",
                $halvings,
                ",pools=6/10"
            ),
        )
    };
}

pub(super) const FAMILY: Family = Family {
    name: "simplenet",
    doc: "Thirteen plain convolutions of slowly growing width.",
    paper: "Hasanpour, Rouhani, Fayyaz and Sabokrou 2016, Lets keep it simple, Using simple architectures to outperform deeper and more complex architectures",
    data: Data::Images,
    knobs: &[
        Knob::list(
            "widths",
            "channels of each convolution",
            "64/128/128/128/128/128/256/256/256/512/2048/256/256",
            (1, 100),
            (1, 8192),
        ),
        Knob::list("kernels", "their windows", "3/3/3/3/3/3/3/3/3/3/1/1/3", (1, 100), (1, 15)),
        Knob::list(
            "pools",
            "convolutions, from 1, after which the maximum over 2x2 is taken; 0: none",
            "4/7/9/12",
            (1, 16),
            (0, 100),
        ),
        Knob::list("halvings", "convolutions, from 1, that have stride 2; 0: none", "0", (1, 16), (0, 100)),
        Knob::real("scale", "factor of all channels", "1", (0.01, 8.0), &[0.125, 0.25, 0.5, 0.75, 1.0]),
    ],
    members: &[
        Member::new("simplenet_cifar_5m", 32, "").classes(10),
        Member::new("simplenet_cifar_310k", 32, "widths=64/32/32/32/32/32/64/64/64/128/256/64/64")
            .classes(10),
        imagenet!(5, "simplenetv1_small_m1_05", "0.5", "1/2/3"),
        imagenet!(5, "simplenetv1_small_m2_05", "0.5", "1/2/4"),
        imagenet!(5, "simplenetv1_small_m1_075", "0.75", "1/2/3"),
        imagenet!(5, "simplenetv1_small_m2_075", "0.75", "1/2/4"),
        imagenet!(5, "simplenetv1_5m_m1", "1", "1/2/3"),
        imagenet!(5, "simplenetv1_5m_m2", "1", "1/2/4"),
        imagenet!(9, "simplenetv1_9m_m1", "1/2/3"),
        imagenet!(9, "simplenetv1_9m_m2", "1/2/4"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (widths, kernels) = (numbers.sizes("widths")?, numbers.sizes("kernels")?);
    if widths.len() != kernels.len() {
        return Err(numbers.wrong("kernels", format!("{} entries, as many as widths", widths.len())));
    }
    let (pools, halvings, scale) =
        (numbers.sizes("pools")?, numbers.sizes("halvings")?, numbers.real("scale")?);
    net.style.norm = BatchNorm { momentum: 0.05, ..BatchNorm::default() };
    for (i, (&width, &kernel)) in widths.iter().zip(&kernels).enumerate() {
        net.scope(format!("layer{}", i + 1), |net| {
            let stride = net.stride(if halvings.contains(&(i + 1)) { 2 } else { 1 });
            let out = round_half_even(width as f64 * scale).max(1);
            let conv = Net::window(out, kernel, stride).with_bias();
            net.conv_bn_act(Conv { pad: if kernel == 1 { vec![1; 4] } else { conv.pad.clone() }, ..conv })?;
            let stride = net.stride(if pools.contains(&(i + 1)) { 2 } else { 1 });
            if stride != 1 {
                net.push(Pool::new(Pooling::Max, &[stride, stride]))?;
            }
            Ok(())
        })?;
    }
    net.scope("head", |net| {
        net.push(GlobalPool(Pooling::Max))?;
        Ok(net.push(Linear::new(net.outputs()))?)
    })?;
    Ok(())
}
