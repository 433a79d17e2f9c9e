//! HardCoRe-NAS: latency as a hard constraint of a differentiable search, one network for each bound (Nayman, Aflalo, Noy and
//! Zelnik-Manor 2021). Tables of the published models.

use crate::blocks::mobile::{
    Blocks, DEPTH, Hidden, Squeezing, Trunk, WIDTH, conv, inverted, pooled_head, separable, stem,
};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::Function::{HardSwish, Relu};

pub(super) const FAMILY: Family = Family {
    name: "hardcorenas",
    doc: "Inverted residuals with hard swish, found under hard limits on latency.",
    paper: "Nayman, Aflalo, Noy and Zelnik-Manor 2021, HardCoRe-NAS: Hard Constrained diffeRentiable Neural Architecture Search",
    data: Data::Images,
    knobs: &[Knob::word("table", "which network", "a", &["a", "b", "c", "d", "e", "f"]), WIDTH, DEPTH],
    members: &[
        Member::new("hardcorenas_a", 224, ""),
        Member::new("hardcorenas_b", 224, "table=b"),
        Member::new("hardcorenas_c", 224, "table=c"),
        Member::new("hardcorenas_d", 224, "table=d"),
        Member::new("hardcorenas_e", 224, "table=e"),
        Member::new("hardcorenas_f", 224, "table=f"),
    ],
    build,
};

/// Channels and first stride of the searched stages.
const STAGES: [(usize, usize); 5] = [(24, 2), (40, 2), (80, 2), (112, 1), (192, 2)];

/// Window, expansion and whether there is squeeze-excitation.
type Line = (usize, f64, bool);

const A: [&[Line]; 5] = [
    &[(5, 3.0, false), (5, 3.0, true)],
    &[(5, 3.0, false), (5, 6.0, true)],
    &[(5, 6.0, true), (5, 6.0, true)],
    &[(5, 6.0, true), (5, 6.0, true)],
    &[(5, 6.0, true), (5, 6.0, true)],
];

const B: [&[Line]; 5] = [
    &[(5, 3.0, false), (5, 3.0, true), (3, 3.0, false)],
    &[(5, 3.0, false), (5, 3.0, false), (5, 3.0, false)],
    &[(5, 3.0, false), (5, 3.0, false), (3, 3.0, false), (3, 3.0, false)],
    &[(5, 3.0, false), (3, 3.0, false), (3, 3.0, false), (3, 3.0, false)],
    &[(5, 6.0, true), (5, 6.0, true), (3, 3.0, true)],
];

const C: [&[Line]; 5] = [
    &[(5, 3.0, false), (5, 3.0, true)],
    &[(5, 3.0, false), (5, 3.0, false), (5, 3.0, false), (5, 3.0, false)],
    &[(5, 4.0, false), (5, 6.0, true), (3, 3.0, false), (3, 3.0, false)],
    &[(5, 6.0, true), (3, 3.0, false), (3, 3.0, false), (3, 3.0, false)],
    &[(5, 6.0, true), (5, 6.0, true), (3, 3.0, true)],
];

const D: [&[Line]; 5] = [
    &[(5, 3.0, true), (5, 3.0, true)],
    &[(5, 3.0, true), (5, 4.0, true), (3, 3.0, true)],
    &[(5, 4.0, true), (3, 3.0, true), (3, 3.0, true), (3, 3.0, true)],
    &[(3, 4.0, true), (5, 4.0, true), (3, 3.0, true), (5, 3.0, true)],
    &[(5, 6.0, true), (5, 6.0, true), (5, 6.0, true), (3, 6.0, true)],
];

const E: [&[Line]; 5] = [
    &[(5, 3.0, true), (5, 3.0, true)],
    &[(5, 6.0, true), (5, 4.0, true), (5, 4.0, true), (3, 3.0, true)],
    &[(5, 4.0, true), (3, 6.0, true)],
    &[(5, 6.0, true), (5, 6.0, true), (5, 6.0, true), (5, 3.0, true)],
    &[(5, 6.0, true), (5, 6.0, true), (5, 6.0, true), (3, 6.0, true)],
];

const F: [&[Line]; 5] = [
    &[(5, 3.0, true), (5, 3.0, true)],
    &[(5, 6.0, true), (5, 6.0, true)],
    &[(5, 6.0, true), (5, 6.0, true), (3, 3.0, true), (3, 3.0, true)],
    &[(3, 6.0, true), (5, 6.0, true), (5, 6.0, true), (3, 3.0, true)],
    &[(5, 6.0, true), (5, 6.0, true), (3, 6.0, true), (3, 6.0, true)],
];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let table = match numbers.word("table")? {
        "a" => A,
        "b" => B,
        "c" => C,
        "d" => D,
        "e" => E,
        _ => F,
    };
    let stages = table.iter().zip(STAGES).map(|(lines, (out, stride))| -> Vec<Blocks> {
        let line = |&(kernel, expansion, squeezed): &Line| {
            let line =
                inverted(kernel, expansion, out).stride(stride).squeeze(if squeezed { 0.25 } else { 0.0 });
            if out <= 40 { line.act(Relu) } else { line }
        };
        lines.iter().map(line).collect()
    });
    let first = vec![separable(3, 16).act(Relu)];
    let stages: Vec<_> = std::iter::once(first).chain(stages).chain([vec![conv(1, 960)]]).collect();
    let trunk =
        Trunk { squeezing: Squeezing::MIDDLE, ..Trunk::new(numbers.real("width")?, numbers.real("depth")?) };
    net.style.act = HardSwish;
    stem(net, trunk.channels(32))?;
    trunk.build(net, &stages)?;
    pooled_head(net, 1280, Hidden::Bias)
}
