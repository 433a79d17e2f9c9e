//! Vision Transformer (Dosovitskiy et al. 2021): patches of an image are the tokens of a Transformer encoder, and an answer is read off a
//! class token (equations 1 to 4). DeiT (Touvron et al. 2021a) is the same network; the third DeiT (Touvron et al. 2022) gives the
//! class token no position and scales branches. Members with registers (Darcet et al. 2024) or without class token are timm's.
//!
//! | member | tiny | small | base | large | huge |
//! |---|---|---|---|---|---|
//! | width | 192 | 384 | 768 | 1024 | 1280 |
//! | depth | 12 | 12 | 12 | 24 | 32 |
//! | heads | 3 | 6 | 12 | 16 | 16 |

use crate::blocks::{EncoderLayer, NormOrder, SelfAttention, first_token};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::{ClassToken, Conv, Function, LayerNorm, Permute, PositionEmbedding, Reshape, Slice};

const KNOBS: &[Knob] = &[
    Knob::int("patch", "side of a patch; smaller on small images", "16", (1, 64), &[4, 8, 16]),
    Knob::int(
        "width",
        "features of a token, a multiple of the heads",
        "192",
        (1, 16384),
        &[48, 96, 192, 288, 384],
    ),
    Knob::int("depth", "layers", "12", (1, 200), &[1, 2, 4, 6, 8, 12]),
    Knob::int("heads", "heads of attention", "3", (1, 256), &[1, 2, 3, 4, 6]),
    Knob::real("expansion", "inner width of the perceptrons", "4", (0.1, 16.0), &[1.0, 2.0, 3.0, 4.0]),
    Knob::word(
        "pool",
        "what answers: the class token, the mean of normalised tokens, or the normalised mean",
        "class",
        &["class", "mean", "mean_first"],
    ),
    Knob::word("positions", "which tokens have a position", "all", &["all", "patches"]).fixed(),
    Knob::int("registers", "learned tokens that answer nothing", "0", (0, 64), &[]),
    Knob::real("scale", "begin of the learned scales of branches; 0: there are none", "0", (0.0, 1.0), &[]),
];

/// Name, side, numbers; where it has registers instead of a class token, how many.
macro_rules! table {
    ($($name:literal $side:literal $numbers:literal $($registers:literal)?),* $(,)?) => {
        &[$(Member::new(
            $name, $side, concat!($numbers $(, ",pool=mean_first,positions=patches,registers=", $registers)?)
        )),*]
    };
}

pub(super) const VIT: Family = Family {
    name: "vit",
    doc: "Transformer encoder over the patches of an image.",
    paper: "Dosovitskiy et al. 2021, An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
    data: Data::Images,
    knobs: KNOBS,
    members: table![
        "vit_tiny_patch16_224" 224 "",
        "vit_tiny_patch16_384" 384 "",
        "vit_wee_patch16_reg1_gap_256" 256 "width=256,depth=14,heads=4,expansion=5,scale=1e-5" 1,
        "vit_little_patch16_reg1_gap_256" 256 "width=320,depth=14,heads=5,expansion=5.6,scale=1e-5" 1,
        "vit_little_patch16_reg4_gap_256" 256 "width=320,depth=14,heads=5,expansion=5.6,scale=1e-5" 4,
        "vit_small_patch8_224" 224 "patch=8,width=384,heads=6",
        "vit_small_patch16_36x1_224" 224 "width=384,depth=36,heads=6,scale=1e-5",
        "vit_small_patch16_224" 224 "width=384,heads=6",
        "vit_small_patch16_384" 384 "width=384,heads=6",
        "vit_small_patch32_224" 224 "patch=32,width=384,heads=6",
        "vit_small_patch32_384" 384 "patch=32,width=384,heads=6",
        "vit_medium_patch16_reg1_gap_256" 256 "width=512,heads=8,scale=1e-5" 1,
        "vit_medium_patch16_reg4_gap_256" 256 "width=512,heads=8,scale=1e-5" 4,
        "vit_mediumd_patch16_reg4_gap_256" 256 "width=512,depth=20,heads=8,scale=1e-5" 4,
        "vit_mediumd_patch16_reg4_gap_384" 384 "width=512,depth=20,heads=8,scale=1e-5" 4,
        "vit_betwixt_patch16_reg1_gap_256" 256 "width=640,heads=10,scale=1e-5" 1,
        "vit_betwixt_patch16_reg4_gap_256" 256 "width=640,heads=10,scale=1e-5" 4,
        "vit_betwixt_patch16_reg4_gap_384" 384 "width=640,heads=10,scale=1e-5" 4,
        "vit_base_patch8_224" 224 "patch=8,width=768,heads=12",
        "vit_base_patch16_224" 224 "width=768,heads=12",
        "vit_base_patch16_384" 384 "width=768,heads=12",
        "vit_base_patch16_plus_240" 240 "width=896,heads=14,scale=1e-6",
        "vit_base_patch32_224" 224 "patch=32,width=768,heads=12",
        "vit_base_patch32_384" 384 "patch=32,width=768,heads=12",
        "vit_base_patch32_plus_256" 256 "patch=32,width=896,heads=14,scale=1e-6",
        "vit_base_patch16_gap_224" 224 "width=768,heads=16,pool=mean",
        "vit_base_patch16_reg4_gap_256" 256 "width=768,heads=12" 4,
        "vit_so150m_patch16_reg4_gap_256" 256 "width=896,depth=18,heads=14,expansion=2.5715,pool=mean,registers=4",
        "vit_so150m_patch16_reg4_gap_384" 384 "width=896,depth=18,heads=14,expansion=2.5715,pool=mean,registers=4",
        "vit_large_patch14_224" 224 "patch=14,width=1024,depth=24,heads=16",
        "vit_large_patch16_224" 224 "width=1024,depth=24,heads=16",
        "vit_large_patch16_384" 384 "width=1024,depth=24,heads=16",
        "vit_large_patch32_224" 224 "patch=32,width=1024,depth=24,heads=16",
        "vit_large_patch32_384" 384 "patch=32,width=1024,depth=24,heads=16",
        "vit_huge_patch14_224" 224 "patch=14,width=1280,depth=32,heads=16",
        "vit_huge_patch14_gap_224" 224 "patch=14,width=1280,depth=32,heads=16,pool=mean",
        "vit_huge_patch16_gap_448" 448 "width=1280,depth=32,heads=16,pool=mean",
        "vit_giant_patch14_224" 224 "patch=14,width=1408,depth=40,heads=16,expansion=4.3637",
        "vit_giant_patch16_gap_224" 224 "width=1408,depth=40,heads=16,expansion=4.3637,pool=mean",
        "vit_gigantic_patch14_224" 224 "patch=14,width=1664,depth=48,heads=16,expansion=4.9231",
    ],
    build,
};

pub(super) const DEIT: Family = Family {
    name: "deit",
    doc: "Vision Transformers in the sizes of DeiT and DeiT III.",
    paper: "Touvron et al. 2021, Training data-efficient image transformers & distillation through attention; Touvron, Cord and \
            Jegou 2022, DeiT III: Revenge of the ViT",
    data: Data::Images,
    knobs: KNOBS,
    members: table![
        "deit_tiny_patch16_224" 224 "",
        "deit_small_patch16_224" 224 "width=384,heads=6",
        "deit_base_patch16_224" 224 "width=768,heads=12",
        "deit_base_patch16_384" 384 "width=768,heads=12",
        "deit3_small_patch16_224" 224 "width=384,heads=6,positions=patches,scale=1e-6",
        "deit3_small_patch16_384" 384 "width=384,heads=6,positions=patches,scale=1e-6",
        "deit3_medium_patch16_224" 224 "width=512,heads=8,positions=patches,scale=1e-6",
        "deit3_base_patch16_224" 224 "width=768,heads=12,positions=patches,scale=1e-6",
        "deit3_base_patch16_384" 384 "width=768,heads=12,positions=patches,scale=1e-6",
        "deit3_large_patch16_224" 224 "width=1024,depth=24,heads=16,positions=patches,scale=1e-6",
        "deit3_large_patch16_384" 384 "width=1024,depth=24,heads=16,positions=patches,scale=1e-6",
        "deit3_huge_patch14_224" 224 "patch=14,width=1280,depth=32,heads=16,positions=patches,scale=1e-6",
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (width, heads) = (numbers.size("width")?, numbers.size("heads")?);
    if width % heads != 0 {
        return Err(numbers.wrong("heads", format!("a divisor of the width {width}")));
    }
    let norm = LayerNorm { eps: 1e-6 };
    let scale = numbers.real("scale")?;
    let layer = EncoderLayer {
        attention: SelfAttention { heads, width: width / heads, joint: true },
        inner: ((width as f64 * numbers.real("expansion")?) as usize).max(1),
        act: Function::Gelu,
        norm: norm.clone(),
        order: NormOrder::Pre,
        scale: (scale > 0.0).then_some(scale),
    };
    let others = net.scope("embedding", |net| tokens(net, numbers, width))?;
    for i in 0..numbers.size("depth")? {
        net.scope(format!("layer{}", i + 1), |net| layer.apply(net))?;
    }
    net.scope("head", |net| {
        match numbers.word("pool")? {
            "mean_first" => {
                without_first(net, others)?;
                net.global_average()?;
                net.push(norm)?;
            }
            "mean" => {
                net.push(norm)?;
                without_first(net, others)?;
                net.global_average()?;
            }
            _ => {
                net.push(norm)?;
                first_token(net)?;
            }
        }
        Ok(net.classifier()?)
    })?;
    Ok(())
}

/// The image as tokens `[n, width]`, with positions (equation 1). Returns how many tokens before those of the patches there are.
fn tokens(net: &mut Net, numbers: &Numbers, width: usize) -> Result<usize, ZooError> {
    let side = net.stride(numbers.size("patch")?);
    net.push(Conv { pad: vec![0; 4], ..Net::window(width, side, side).with_bias() })?;
    let patches = net.shape().spatial().iter().product();
    net.push(Reshape(vec![patches, width]))?;
    let only_patches = numbers.word("positions")? == "patches";
    if only_patches {
        net.push(PositionEmbedding::default())?;
    }
    let registers = numbers.size("registers")?;
    let class = usize::from(numbers.word("pool")? == "class");
    for count in [registers, class].into_iter().filter(|&n| n > 0) {
        net.push(ClassToken { count })?;
    }
    if !only_patches {
        net.push(PositionEmbedding::default())?;
    }
    Ok(class + registers)
}

/// All tokens but the first `count`.
fn without_first(net: &mut Net, count: usize) -> Result<(), ZooError> {
    if count > 0 {
        let tokens = net.shape().shape()[0];
        net.push(Permute(vec![1, 0]))?;
        net.push(Slice { start: count, end: tokens })?;
        net.push(Permute(vec![1, 0]))?;
    }
    Ok(())
}
