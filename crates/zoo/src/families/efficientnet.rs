//! EfficientNet: depth, width and resolution scaled together (Tan and Le 2019). `depth = 1.2^phi`, `width = 1.1^phi`, `resolution
//! = 224 * 1.15^phi` (equation 3, section 4); published members round the powers:
//!
//! | member | B0 | B1 | B2 | B3 | B4 | B5 | B6 | B7 |
//! |---|---|---|---|---|---|---|---|---|
//! | phi | 0 | 0.5 | 1 | 2 | 3.5 | 5 | 6 | 7 |
//! | width | 1.0 | 1.0 | 1.1 | 1.2 | 1.4 | 1.6 | 1.8 | 2.0 |
//! | depth | 1.0 | 1.1 | 1.2 | 1.4 | 1.8 | 2.2 | 2.6 | 3.1 |

use crate::{Data, Family, Input, Knob, Member, Net, Numbers, ZooError, make_divisible, round_half_even};
use nasmyth_graph::Graph;
use nasmyth_graph::blocks::{InvertedResidual, Squeeze, inverted_residual};
use nasmyth_graph::ops::Function;

pub(super) const FAMILY: Family = Family {
    name: "efficientnet",
    doc: "Inverted residuals with squeeze-excitation and SiLU, scaled in depth, width and resolution at once.",
    paper: "Tan and Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    data: Data::Images,
    knobs: &[
        Knob::real("width", "factor of all channels", "1.0", (0.05, 8.0), &[0.25, 0.35, 0.5, 0.75, 1.0, 1.1]),
        Knob::real("depth", "factor of the blocks of all stages", "1.0", (0.1, 8.0), &[0.5, 0.75, 1.0, 1.2]),
    ],
    members: &[
        Member::new("efficientnet_b0", 224, ""),
        Member::new("efficientnet_b1", 240, "width=1.0,depth=1.1"),
        Member::new("efficientnet_b2", 256, "width=1.1,depth=1.2"),
        Member::new("efficientnet_b3", 288, "width=1.2,depth=1.4"),
        Member::new("efficientnet_b4", 320, "width=1.4,depth=1.8"),
        Member::new("efficientnet_b5", 448, "width=1.6,depth=2.2"),
        Member::new("efficientnet_b6", 528, "width=1.8,depth=2.6"),
        Member::new("efficientnet_b7", 600, "width=2.0,depth=3.1"),
        Member::new("efficientnet_b8", 672, "width=2.2,depth=3.6"),
        Member::new("efficientnet_l2", 800, "width=4.3,depth=5.3"),
    ],
    build,
};

/// Table 1: expansion, channels, blocks, stride, window of each stage of B0.
const STAGES: [(usize, usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
];

/// Squeeze-excitation as a share of a block's input.
const SQUEEZE: f64 = 0.25;

/// The compound-scaled network for images of `224 * 1.15^phi`, rounded to a multiple of 8.
///
/// # Errors
/// A `phi` that takes width or depth out of their domains.
pub fn efficientnet(phi: f64) -> Result<Graph, ZooError> {
    let (width, depth, resolution) = (1.1f64.powf(phi), 1.2f64.powf(phi), 224.0 * 1.15f64.powf(phi));
    let network = crate::member(&format!("efficientnet:width={width},depth={depth}"))?;
    network.graph(&Input { resolution: Some(make_divisible(resolution, 8, 0.0)), ..Input::default() })
}

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (width, depth) = (numbers.real("width")?, numbers.real("depth")?);
    let channels = |c: usize| make_divisible(c as f64 * width, 8, 0.9);
    net.style.act = Function::Silu;
    let stride = net.stride(2);
    net.scope("stem", |net| Ok(net.conv_bn_act(Net::window(channels(32), 3, stride))?))?;
    for (i, &(expansion, out, blocks, stride, kernel)) in STAGES.iter().enumerate() {
        for j in 0..(blocks as f64 * depth).ceil() as usize {
            let stride = if j == 0 { net.stride(stride) } else { 1 };
            let inputs = net.channels();
            let hidden = round_half_even(inputs as f64 * SQUEEZE).max(1);
            let squeeze = Squeeze { hidden, act: Function::Silu, gate: Function::Sigmoid };
            let block = InvertedResidual {
                squeeze: Some(squeeze),
                style: net.style.clone(),
                ..InvertedResidual::new(inputs, expansion, channels(out), &[kernel, kernel]).stride(stride)
            };
            net.scope(format!("stage{}.block{}", i + 1, j + 1), |net| {
                Ok(net.with(|g, x| inverted_residual(g, x, &block))?)
            })?;
        }
    }
    net.scope("head", |net| {
        net.conv_bn_act(Net::window(channels(1280), 1, 1))?;
        Ok(net.classifier()?)
    })?;
    Ok(())
}
