//! EfficientNet: depth, width and resolution scaled together (Tan and Le 2019). `depth = 1.2^phi`, `width = 1.1^phi`, `resolution
//! = 224 * 1.15^phi` (equation 3, section 4); published members round the powers:
//!
//! | member | B0 | B1 | B2 | B3 | B4 | B5 | B6 | B7 |
//! |---|---|---|---|---|---|---|---|---|
//! | phi | 0 | 0.5 | 1 | 2 | 3.5 | 5 | 6 | 7 |
//! | width | 1.0 | 1.0 | 1.1 | 1.2 | 1.4 | 1.6 | 1.8 | 2.0 |
//! | depth | 1.0 | 1.1 | 1.2 | 1.4 | 1.8 | 2.2 | 2.6 | 3.1 |
//!
//! Lite (2020) is the same without squeeze-excitation, with ReLU6 and first and last layers that keep their size; Edge (2019), for
//! the Edge TPU, begins with fused blocks. Both are by the same authors, without a paper.

use crate::blocks::mobile::{
    Blocks, DEPTH, LAYERS, Trunk, WIDTH, conv_head, fused, inverted, separable, set_layers, stem,
};
use crate::{Data, Family, Input, Knob, Member, Net, Numbers, ZooError, make_divisible};
use nasmyth_graph::Graph;
use nasmyth_graph::ops::Function;

/// Members of one width and depth under the names of several frameworks.
macro_rules! table {
    ($($name:literal $resolution:literal $width:literal $depth:literal $rest:literal),* $(,)?) => {
        &[$(Member::new($name, $resolution, concat!("width=", $width, ",depth=", $depth, $rest))),*]
    };
}

pub(super) const FAMILY: Family = Family {
    name: "efficientnet",
    doc: "Inverted residuals with squeeze-excitation and SiLU, scaled in depth, width and resolution at once.",
    paper: "Tan and Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    data: Data::Images,
    knobs: &[
        WIDTH,
        DEPTH,
        Knob::word(
            "table",
            "the paper's network, or one for simpler hardware",
            "base",
            &["base", "lite", "edge"],
        ),
        LAYERS,
    ],
    members: table![
        "efficientnet_b0" 224 1.0 1.0 "",
        "efficientnet_b1" 240 1.0 1.1 "",
        "efficientnet_b2" 256 1.1 1.2 "",
        "efficientnet_b3" 288 1.2 1.4 "",
        "efficientnet_b4" 320 1.4 1.8 "",
        "efficientnet_b5" 448 1.6 2.2 "",
        "efficientnet_b6" 528 1.8 2.6 "",
        "efficientnet_b7" 600 2.0 3.1 "",
        "efficientnet_b8" 672 2.2 3.6 "",
        "efficientnet_l2" 800 4.3 5.3 "",
        "tf_efficientnet_b0" 224 1.0 1.0 ",layers=tensorflow",
        "tf_efficientnet_b1" 240 1.0 1.1 ",layers=tensorflow",
        "tf_efficientnet_b2" 260 1.1 1.2 ",layers=tensorflow",
        "tf_efficientnet_b3" 300 1.2 1.4 ",layers=tensorflow",
        "tf_efficientnet_b4" 380 1.4 1.8 ",layers=tensorflow",
        "tf_efficientnet_b5" 456 1.6 2.2 ",layers=tensorflow",
        "tf_efficientnet_b6" 528 1.8 2.6 ",layers=tensorflow",
        "tf_efficientnet_b7" 600 2.0 3.1 ",layers=tensorflow",
        "tf_efficientnet_b8" 672 2.2 3.6 ",layers=tensorflow",
        "tf_efficientnet_l2" 475 4.3 5.3 ",layers=tensorflow",
        "efficientnet_lite0" 224 1.0 1.0 ",table=lite",
        "efficientnet_lite1" 240 1.0 1.1 ",table=lite",
        "efficientnet_lite2" 260 1.1 1.2 ",table=lite",
        "efficientnet_lite3" 300 1.2 1.4 ",table=lite",
        "efficientnet_lite4" 380 1.4 1.8 ",table=lite",
        "tf_efficientnet_lite0" 224 1.0 1.0 ",table=lite,layers=tensorflow",
        "tf_efficientnet_lite1" 240 1.0 1.1 ",table=lite,layers=tensorflow",
        "tf_efficientnet_lite2" 260 1.1 1.2 ",table=lite,layers=tensorflow",
        "tf_efficientnet_lite3" 300 1.2 1.4 ",table=lite,layers=tensorflow",
        "tf_efficientnet_lite4" 380 1.4 1.8 ",table=lite,layers=tensorflow",
        "efficientnet_es" 224 1.0 1.0 ",table=edge",
        "efficientnet_es_pruned" 224 1.0 1.0 ",table=edge",
        "efficientnet_em" 240 1.0 1.1 ",table=edge",
        "efficientnet_el" 300 1.2 1.4 ",table=edge",
        "efficientnet_el_pruned" 300 1.2 1.4 ",table=edge",
        "tf_efficientnet_es" 224 1.0 1.0 ",table=edge,layers=tensorflow",
        "tf_efficientnet_em" 240 1.0 1.1 ",table=edge,layers=tensorflow",
        "tf_efficientnet_el" 300 1.2 1.4 ",table=edge,layers=tensorflow",
    ],
    build,
};

/// Table 1, the network B0.
pub(super) const BASE: &[&[Blocks]] = &[
    &[separable(3, 16).squeeze(0.25)],
    &[inverted(3, 6.0, 24).stride(2).times(2).squeeze(0.25)],
    &[inverted(5, 6.0, 40).stride(2).times(2).squeeze(0.25)],
    &[inverted(3, 6.0, 80).stride(2).times(3).squeeze(0.25)],
    &[inverted(5, 6.0, 112).times(3).squeeze(0.25)],
    &[inverted(5, 6.0, 192).stride(2).times(4).squeeze(0.25)],
    &[inverted(3, 6.0, 320).squeeze(0.25)],
];

const EDGE: &[&[Blocks]] = &[
    &[fused(3, 4.0, 24).of_output().shortcut(false)],
    &[fused(3, 8.0, 32).stride(2).times(2)],
    &[fused(3, 8.0, 48).stride(2).times(4)],
    &[inverted(5, 8.0, 96).stride(2).times(5)],
    &[inverted(5, 8.0, 144).times(4)],
    &[inverted(5, 8.0, 192).stride(2).times(2)],
];

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
    let table = numbers.word("table")?;
    let mut trunk = Trunk::new(numbers.real("width")?, numbers.real("depth")?);
    trunk.ends_fixed = table == "lite";
    let ends = |c: usize| if trunk.ends_fixed { c } else { trunk.channels(c) };
    set_layers(net, numbers)?;
    net.style.act = match table {
        "base" => Function::Silu,
        "lite" => Function::Relu6,
        _ => Function::Relu,
    };
    stem(net, ends(32))?;
    match table {
        "base" => trunk.build(net, BASE)?,
        "lite" => trunk.build(net, &BASE.iter().map(|s| [s[0].squeeze(0.0)]).collect::<Vec<_>>())?,
        _ => trunk.build(net, EDGE)?,
    }
    conv_head(net, ends(1280))
}
