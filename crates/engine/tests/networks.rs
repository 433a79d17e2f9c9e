//! The networks of the comparison with PyTorch are those that PyTorch trains.

#[path = "../benches/compare/networks.rs"]
mod networks;

use networks::{NETWORKS, mobile_of_depths};

/// `sum(p.numel() for p in pytorch_step.build(name)[0].parameters())`, PyTorch 2.15.
const PARAMS: [(&str, u64); 5] =
    [("resnet", 269_722), ("mobile", 72_138), ("cell", 376_154), ("series", 19_370), ("mlp", 22_338)];

#[test]
fn networks_have_the_parameters_of_their_pytorch_modules() {
    assert_eq!(NETWORKS.each_ref().map(|n| (n.name, (n.graph)().unwrap().params())), PARAMS);
}

#[test]
fn a_deeper_mobile_has_one_more_block() {
    let [deeper, mobile] = [[2, 3, 4], [2, 3, 3]].map(|depths| mobile_of_depths(depths).unwrap().params());
    // 1x1 from 40 to 160, depthwise 5x5, 1x1 to 40, and two numbers for each channel that is normalised.
    assert_eq!(deeper - mobile, 40 * 160 + 160 * 25 + 160 * 40 + 2 * (160 + 160 + 40));
}
