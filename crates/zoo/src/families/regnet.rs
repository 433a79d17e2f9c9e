//! RegNet (Radosavovic et al. 2020): the widths of all blocks follow from four numbers, `u_j = w_0 + w_a j`, quantised to powers of
//! `w_m` (section 3.3, equations 2 to 4). RegNetY adds squeeze-excitation.

use crate::{Data, Family, Input, Knob, Member, Net, Numbers, ZooError, round_half_even};
use nasmyth_graph::Graph;
use nasmyth_graph::blocks::squeeze_excitation;
use nasmyth_graph::ops::Function;

const KNOBS: &[Knob] = &[
    Knob::real("w_a", "slope of the widths", "24.48", (0.0, 400.0), &[16.0, 24.48, 36.0]),
    Knob::int("w_0", "first width, a multiple of 8", "24", (8, 1024), &[8, 16, 24, 32, 48]),
    Knob::real("w_m", "ratio of the widths of two stages", "2.54", (1.05, 10.0), &[2.0, 2.25, 2.54, 2.8]),
    Knob::int("depth", "blocks", "22", (1, 200), &[4, 6, 8, 10, 13, 16, 22]),
    Knob::int("group", "channels of a group of the 3x3 convolutions", "16", (1, 1024), &[8, 16, 24]),
    Knob::real(
        "squeeze",
        "squeeze-excitation as a share of a block's input",
        "0.0",
        (0.0, 1.0),
        &[0.0, 0.25],
    ),
];

/// Table 9 and 10 of the paper's appendix.
macro_rules! table {
    ($($name:literal $resolution:literal $w_a:literal $w_0:literal $w_m:literal $depth:literal $group:literal $squeeze:literal),* $(,)?) => {
        &[$(Member::new($name, $resolution, concat!("w_a=", $w_a, ",w_0=", $w_0, ",w_m=", $w_m, ",depth=", $depth, ",group=", $group,
            ",squeeze=", $squeeze))),*]
    };
}

pub(super) const REGNETX: Family = Family {
    name: "regnetx",
    doc: "Residual bottlenecks in groups, their widths a quantised line.",
    paper: "Radosavovic, Kosaraju, Girshick, He and Dollar 2020, Designing Network Design Spaces",
    data: Data::Images,
    knobs: KNOBS,
    members: table![
        "regnetx_004" 224 24.48 24 2.54 22 16 0,
        "regnetx_002" 224 36.44 24 2.49 13 8 0,
        "regnetx_006" 224 36.97 48 2.24 16 24 0,
        "regnetx_008" 224 35.73 56 2.28 16 16 0,
        "regnetx_016" 224 34.01 80 2.25 18 24 0,
        "regnetx_032" 224 26.31 88 2.25 25 48 0,
        "regnetx_040" 224 38.65 96 2.43 23 40 0,
        "regnetx_064" 224 60.83 184 2.07 17 56 0,
        "regnetx_080" 224 49.56 80 2.88 23 120 0,
        "regnetx_120" 224 73.36 168 2.37 19 112 0,
        "regnetx_160" 224 55.59 216 2.1 22 128 0,
        "regnetx_320" 224 69.86 320 2.0 23 168 0,
    ],
    build,
};

pub(super) const REGNETY: Family = Family {
    name: "regnety",
    doc: "RegNetX with squeeze-excitation.",
    paper: "Radosavovic, Kosaraju, Girshick, He and Dollar 2020, Designing Network Design Spaces",
    data: Data::Images,
    knobs: KNOBS,
    members: table![
        "regnety_004" 224 27.89 48 2.09 16 8 0.25,
        "regnety_002" 224 36.44 24 2.49 13 8 0.25,
        "regnety_006" 224 32.54 48 2.32 15 16 0.25,
        "regnety_008" 224 38.84 56 2.4 14 16 0.25,
        "regnety_016" 224 20.71 48 2.65 27 24 0.25,
        "regnety_032" 224 42.63 80 2.66 21 24 0.25,
        "regnety_040" 224 31.41 96 2.24 22 64 0.25,
        "regnety_064" 224 33.22 112 2.27 25 72 0.25,
        "regnety_080" 224 76.82 192 2.19 17 56 0.25,
        "regnety_120" 224 73.36 168 2.37 19 112 0.25,
        "regnety_160" 224 106.23 200 2.48 18 112 0.25,
        "regnety_320" 224 115.89 232 2.53 20 232 0.25,
        "regnety_640" 384 147.48 352 2.4 20 328 0.25,
        "regnety_1280" 384 160.83 456 2.52 27 264 0.25,
        "regnety_2560" 384 230.83 640 2.53 27 373 0.25,
    ],
    build,
};

/// The parametrisation of section 3.3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegNet {
    /// Slope of the widths.
    pub w_a: f64,
    /// First width, a multiple of 8.
    pub w_0: usize,
    /// Ratio of the widths of two stages.
    pub w_m: f64,
    /// Blocks.
    pub depth: usize,
    /// Channels of a group.
    pub group: usize,
}

/// The RegNetX of these numbers, for ImageNet.
///
/// # Errors
/// A number out of its domain.
pub fn regnet(numbers: RegNet) -> Result<Graph, ZooError> {
    let RegNet { w_a, w_0, w_m, depth, group } = numbers;
    let name = format!("regnetx:w_a={w_a},w_0={w_0},w_m={w_m},depth={depth},group={group}");
    crate::member(&name)?.graph(&Input::default())
}

/// A stage: its width, its blocks, the channels of a group.
type Stage = (usize, usize, usize);

/// Widths in multiples of 8, then of the group; blocks of one width are a stage. Ties round to even, which decides RegNetX-400MF.
fn stages(numbers: &Numbers) -> Result<Vec<Stage>, ZooError> {
    let (w_a, w_0, w_m) = (numbers.real("w_a")?, numbers.size("w_0")?, numbers.real("w_m")?);
    if w_0 % 8 != 0 {
        return Err(numbers.wrong("w_0", "a multiple of 8"));
    }
    let mut stages: Vec<Stage> = Vec::new();
    for j in 0..numbers.size("depth")? {
        let linear = w_0 as f64 + w_a * j as f64; // equation 2
        let power = ((linear / w_0 as f64).ln() / w_m.ln()).round_ties_even(); // equation 3
        let width = 8 * round_half_even(w_0 as f64 * w_m.powf(power) / 8.0); // equation 4
        match stages.last_mut() {
            Some(stage) if stage.0 == width => stage.1 += 1,
            _ => stages.push((width, 1, 0)),
        }
    }
    let group = numbers.size("group")?;
    let whole = |(width, blocks, _): Stage| {
        let group = group.min(width);
        (round_half_even(width as f64 / group as f64).max(1) * group, blocks, group)
    };
    Ok(stages.into_iter().map(whole).collect())
}

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let squeeze = numbers.real("squeeze")?;
    let stride = net.stride(2);
    net.scope("stem", |net| Ok(net.conv_bn_act(Net::window(32, 3, stride))?))?;
    for (i, stage) in stages(numbers)?.into_iter().enumerate() {
        for j in 0..stage.1 {
            let stride = if j == 0 { net.stride(2) } else { 1 };
            net.scope(format!("stage{}.block{}", i + 1, j + 1), |net| block(net, stage, stride, squeeze))?;
        }
    }
    net.scope("head", |net| Ok(net.classifier()?))?;
    Ok(())
}

/// The X block of figure 4 with bottleneck ratio 1; Y squeezes after the 3x3 convolution.
fn block(net: &mut Net, (width, _, group): Stage, stride: usize, squeeze: f64) -> Result<(), ZooError> {
    let from = net.at;
    let inputs = net.channels();
    net.conv_bn_act(Net::window(width, 1, 1))?;
    net.conv_bn_act(Net::window(width, 3, stride).groups(width / group))?;
    if squeeze > 0.0 {
        let hidden = round_half_even(inputs as f64 * squeeze).max(1);
        net.with(|g, x| squeeze_excitation(g, x, hidden, Function::Relu, Function::Sigmoid))?;
    }
    let main = net.conv_bn(Net::window(width, 1, 1))?;
    net.at = from;
    if inputs != width || stride != 1 {
        net.conv_bn(Net::window(width, 1, stride))?;
    }
    net.add(main)?;
    net.act()?;
    Ok(())
}
