//! NesT (Zhang et al. 2022): Transformers within blocks of an image that do not see each other; between levels, convolution and
//! pooling of the whole image join four blocks to one (section 3, figure 1). The last level is one block.
//!
//! | member | tiny | small | base |
//! |---|---|---|---|
//! | widths | 96/192/384 | 96/192/384 | 128/256/512 |
//! | depths | 2/2/8 | 2/2/20 | 2/2/20 |
//! | heads | 3/6/12 | 3/6/12 | 4/8/16 |

use crate::blocks::{EncoderLayer, NormOrder, SelfAttention};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::blocks::Padding;
use nasmyth_graph::ops::{Conv, Function, LayerNorm, Permute, Pool, Pooling, PositionEmbedding, Reshape};

pub(super) const FAMILY: Family = Family {
    name: "nest",
    doc: "Transformers within blocks of an image, in levels joined by convolution and pooling.",
    paper: "Zhang, Zhang, Zhao, Chen, Arik and Pfister 2022, Nested Hierarchical Transformer",
    data: Data::Images,
    knobs: &[
        Knob::int("patch", "side of a patch; smaller on small images", "4", (1, 64), &[2, 4]),
        Knob::list(
            "widths",
            "features of a token in each level, a multiple of its heads",
            "96/192/384",
            (1, 6),
            (1, 8192),
        )
        .searched(&[48, 96, 192]),
        Knob::list("depths", "layers of each level", "2/2/8", (1, 6), (1, 100)).searched(&[1, 2, 4]),
        Knob::list("heads", "heads of attention of each level", "3/6/12", (1, 6), (1, 256))
            .searched(&[1, 3, 6]),
        Knob::real("expansion", "inner width of the perceptrons", "4", (0.1, 16.0), &[2.0, 3.0, 4.0]),
        Knob::word(
            "padding",
            "of convolution and pooling between levels: alike on both sides, or TensorFlow's",
            "both",
            &["both", "tensorflow"],
        )
        .fixed(),
    ],
    members: &[
        Member::new("nest_tiny", 224, ""),
        Member::new("nest_small", 224, "depths=2/2/20"),
        Member::new("nest_base", 224, "widths=128/256/512,depths=2/2/20,heads=4/8/16"),
        Member::new("nest_tiny_jx", 224, "padding=tensorflow"),
        Member::new("nest_small_jx", 224, "depths=2/2/20,padding=tensorflow"),
        Member::new("nest_base_jx", 224, "widths=128/256/512,depths=2/2/20,heads=4/8/16,padding=tensorflow"),
    ],
    build,
};

const NORM: LayerNorm = LayerNorm { eps: 1e-6 };

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (widths, depths, heads) =
        (numbers.sizes("widths")?, numbers.sizes("depths")?, numbers.sizes("heads")?);
    for (name, len) in [("depths", depths.len()), ("heads", heads.len())] {
        if len != widths.len() {
            return Err(numbers.wrong(name, format!("one for each of the {} widths", widths.len())));
        }
    }
    if widths.iter().zip(&heads).any(|(width, heads)| width % heads != 0) {
        return Err(numbers.wrong("heads", "divisors of the widths"));
    }
    if numbers.word("padding")? == "tensorflow" {
        net.style.padding = Padding::TensorFlow;
    }
    let side = net.stride(numbers.size("patch")?);
    let strides: Vec<usize> = (1..widths.len()).map(|_| net.stride(2)).collect();
    net.scope("stem", |net| {
        Ok(net.push(Conv { pad: vec![0; 4], ..Net::window(widths[0], side, side).with_bias() })?)
    })?;
    for (i, &width) in widths.iter().enumerate() {
        if i > 0 {
            net.scope(format!("level{}.join", i + 1), |net| join(net, width, strides[i - 1]))?;
        }
        let layer = EncoderLayer {
            attention: SelfAttention { heads: heads[i], width: width / heads[i], joint: true },
            inner: ((width as f64 * numbers.real("expansion")?) as usize).max(1),
            act: Function::Gelu,
            norm: NORM,
            order: NormOrder::Pre,
            scale: None,
        };
        let blocks = strides[i..].iter().product();
        let size = net.shape().spatial().to_vec();
        if size.iter().any(|n| n % blocks != 0) {
            let expected = format!("patches that {blocks} blocks a side divide evenly (there are {size:?})");
            return Err(numbers.wrong("patch", expected));
        }
        net.scope(format!("level{}", i + 1), |net| {
            divide(net, blocks)?;
            net.push(PositionEmbedding::default())?;
            for j in 0..depths[i] {
                net.scope(format!("layer{}", j + 1), |net| layer.apply(net))?;
            }
            unite(net, &size, blocks)
        })?;
    }
    net.scope("head", |net| {
        net.push(NORM)?;
        Ok(net.classifier()?)
    })?;
    Ok(())
}

/// Block aggregation (section 3.2): a 3x3 convolution, layer norm, and a maximum over 3x3 windows.
fn join(net: &mut Net, width: usize, stride: usize) -> Result<(), ZooError> {
    net.conv(Net::window(width, 3, 1).with_bias())?;
    net.push(NORM)?;
    let mut window = Net::window(width, 3, stride);
    if net.style.padding == Padding::TensorFlow {
        window = window.padded_for(net.shape());
    }
    let Conv { kernel, stride, pad, .. } = window;
    net.push(Pool { pooling: Pooling::Max, kernel, stride, pad })?;
    Ok(())
}

/// An image `[h, w, c]` as `blocks x blocks` sequences `[blocks^2, n, c]`.
fn divide(net: &mut Net, blocks: usize) -> Result<(), ZooError> {
    let [h, w, c] = net.shape().shape()[..] else { return Ok(()) }; // after a convolution there is no other
    net.push(Reshape(vec![blocks, h / blocks, blocks, w / blocks, c]))?;
    net.push(Permute(vec![0, 2, 1, 3, 4]))?;
    net.push(Reshape(vec![blocks * blocks, h * w / (blocks * blocks), c]))?;
    Ok(())
}

/// What [`divide`] divided, an image of this size again.
fn unite(net: &mut Net, size: &[usize], blocks: usize) -> Result<(), ZooError> {
    let (h, w, c) = (size[0], size[1], net.channels());
    net.push(Reshape(vec![blocks, blocks, h / blocks, w / blocks, c]))?;
    net.push(Permute(vec![0, 2, 1, 3, 4]))?;
    net.push(Reshape(vec![h, w, c]))?;
    Ok(())
}
