//! The networks of the comparison with PyTorch are those that PyTorch trains.

#[path = "../benches/compare/networks.rs"]
mod networks;

use networks::{NETWORKS, mobile_of_depths};

/// Of the modules that `build` of `pytorch_step.py` makes, with PyTorch 2.15: parameters, `sum(p.numel() for p in net.parameters())`;
/// multiply-accumulates of one sample, the sum of `o.numel() * m.weight[0].numel()` over outputs `o` of convolutions and linear
/// layers `m`; sums, each shortcut and each node of a cell that joins several edges.
const EXPECTED: [(&str, u64, u64, usize); 5] = [
    ("resnet", 269_722, 40_551_040, 7),
    ("mobile", 72_138, 16_492_944, 6),
    ("cell", 376_154, 51_823_232, 14),
    ("series", 19_370, 4_792_640, 0),
    ("mlp", 22_338, 22_144, 0),
];

#[test]
fn networks_have_the_size_of_their_pytorch_modules() {
    let sizes = NETWORKS.each_ref().map(|network| {
        let g = (network.graph)().unwrap();
        let sums = g.nodes().iter().filter(|n| n.op.kind() == "add").count();
        (network.name, g.params(), g.macs(), sums)
    });
    assert_eq!(sizes, EXPECTED);
}

#[test]
fn a_deeper_mobile_has_one_more_block() {
    let [deeper, mobile] = [[2, 3, 4], [2, 3, 3]].map(|depths| mobile_of_depths(depths).unwrap().params());
    // 1x1 from 40 to 160, depthwise 5x5, 1x1 to 40, and two numbers for each channel that is normalised.
    assert_eq!(deeper - mobile, 40 * 160 + 160 * 25 + 160 * 40 + 2 * (160 + 160 + 40));
}
