//! Networks of searched cells, the first of them those of DARTS (Liu et al. 2019, section 3 and figures 4 and 5). A cell has two inputs, the
//! outputs of the two cells before it, and four nodes, each the sum of two operators on earlier nodes; its output is all four nodes
//! joined. At a third and at two thirds of the network, reduction cells halve the image and double the channels.
//!
//! | member | darts_v1 | darts_v2 | pc_darts_cifar | sgas_cifar_cri1 | sgas_cifar_cri2 |
//! |---|---|---|---|---|---|
//! | million parameters | 3.17 | 3.35 | 3.63 | 3.80 | 4.09 |
//!
//! Networks for ImageNet have 14 cells, 48 channels and a stem that divides the side by 8. Heads that help only in training are not
//! there.

use crate::blocks::{Edge, Genotype, cell};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use Edge::{AvgPool3, DilConv3, DilConv5, MaxPool3, SepConv3, SepConv5, Skip};

/// A network for CIFAR-10.
const fn cifar(name: &'static str, numbers: &'static str) -> Member {
    Member::new(name, 32, numbers).classes(10)
}

pub(super) const FAMILY: Family = Family {
    name: "darts",
    doc: "Cells of separable and dilated convolutions, pools and shortcuts, as found by DARTS and its successors.",
    paper: "Liu, Simonyan and Yang 2019, DARTS: Differentiable Architecture Search; Xu et al. 2020, PC-DARTS; Li et al. 2020, SGAS",
    data: Data::Images,
    knobs: &[
        Knob::int("layers", "cells", "20", (1, 200), &[3, 5, 8, 14, 20]),
        Knob::int("channels", "channels of a node of the first cells", "36", (2, 1024), &[4, 8, 16, 24, 36]),
        Knob::word("genotype", "the cell", "darts_v2", NAMES).fixed(),
        Knob::word("stem", "one convolution, or three that halve the image", "cifar", &["cifar", "imagenet"])
            .fixed(),
    ],
    members: &[
        cifar("darts_v2", ""),
        cifar("darts_v1", "genotype=darts_v1"),
        cifar("pc_darts_cifar", "genotype=pc_darts_cifar"),
        cifar("sgas_cifar_cri1", "genotype=sgas_cri1"),
        cifar("sgas_cifar_cri2", "genotype=sgas_cri2"),
        Member::new("darts_v2_imagenet", 224, "layers=14,channels=48,stem=imagenet"),
        Member::new("pc_darts_imagenet", 224, "layers=14,channels=48,stem=imagenet,genotype=pc_darts_image"),
        Member::new("sgas_imagenet_cri1", 224, "layers=14,channels=48,stem=imagenet,genotype=sgas_cri1"),
        Member::new(
            "sgas_imagenet_cri2",
            224,
            "layers=14,channels=48,stem=imagenet,genotype=sgas_cri2_image",
        ),
    ],
    build,
};

/// Name, edges of the normal cell, edges of the reduction cell.
macro_rules! genotypes {
    ($($name:literal: [$($normal:ident $i:literal),*] [$($reduce:ident $j:literal),*]),* $(,)?) => {
        const NAMES: &[&str] = &[$($name),*];
        const GENOTYPES: &[Genotype] =
            &[$(Genotype { normal: [$(($normal, $i)),*], reduce: [$(($reduce, $j)),*] }),*];
    };
}

genotypes! {
    "darts_v1":
        [SepConv3 1, SepConv3 0, Skip 0, SepConv3 1, Skip 0, SepConv3 1, SepConv3 0, Skip 2]
        [MaxPool3 0, MaxPool3 1, Skip 2, MaxPool3 0, MaxPool3 0, Skip 2, Skip 2, AvgPool3 0],
    "darts_v2":
        [SepConv3 0, SepConv3 1, SepConv3 0, SepConv3 1, SepConv3 1, Skip 0, Skip 0, DilConv3 2]
        [MaxPool3 0, MaxPool3 1, Skip 2, MaxPool3 1, MaxPool3 0, Skip 2, Skip 2, MaxPool3 1],
    "pc_darts_cifar":
        [SepConv3 1, Skip 0, SepConv3 0, DilConv3 1, SepConv5 0, SepConv3 1, AvgPool3 0, DilConv3 1]
        [SepConv5 1, MaxPool3 0, SepConv5 1, SepConv5 2, SepConv3 0, SepConv3 3, SepConv3 1, SepConv3 2],
    "pc_darts_image":
        [Skip 1, SepConv3 0, SepConv3 0, Skip 1, SepConv3 1, SepConv3 3, SepConv3 1, DilConv5 4]
        [SepConv3 0, Skip 1, DilConv5 2, MaxPool3 1, SepConv3 2, SepConv3 1, SepConv5 0, SepConv3 3],
    // The third run of criterion 1, its best on CIFAR-10.
    "sgas_cri1":
        [SepConv3 0, DilConv3 1, SepConv3 0, SepConv3 1, SepConv5 1, SepConv5 3, Skip 0, DilConv5 2]
        [MaxPool3 0, DilConv5 1, SepConv3 0, Skip 2, SepConv3 1, Skip 2, MaxPool3 0, MaxPool3 1],
    // The third run of criterion 2, its best on CIFAR-10.
    "sgas_cri2":
        [SepConv3 0, SepConv3 1, SepConv3 0, SepConv3 2, MaxPool3 0, SepConv3 3, SepConv3 2, SepConv3 3]
        [SepConv3 0, MaxPool3 1, DilConv3 0, MaxPool3 1, MaxPool3 0, SepConv3 2, MaxPool3 0, SepConv5 2],
    // The fourth run of criterion 2, its best on ImageNet.
    "sgas_cri2_image":
        [SepConv3 0, SepConv3 1, SepConv3 0, SepConv3 1, DilConv5 0, DilConv3 2, SepConv3 1, DilConv5 3]
        [SepConv5 0, DilConv3 1, MaxPool3 0, MaxPool3 1, DilConv3 0, DilConv5 2, MaxPool3 0, AvgPool3 1],
}

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let name = numbers.word("genotype")?;
    let found = GENOTYPES.iter().zip(NAMES).find(|(_, known)| **known == name);
    let (genotype, _) = found.ok_or_else(|| numbers.wrong("genotype", NAMES.join(", ")))?;
    let (layers, mut channels) = (numbers.size("layers")?, numbers.size("channels")?);
    let mut before = net.scope("stem", |net| {
        if numbers.word("stem")? == "cifar" {
            return Ok(net.conv_bn(Net::window(3 * channels, 3, 1))?);
        }
        let stride = net.stride(2);
        net.conv_bn_act(Net::window(channels / 2, 3, stride))?;
        let stride = net.stride(2);
        let half = net.conv_bn(Net::window(channels, 3, stride))?;
        net.act()?;
        let stride = net.stride(2);
        net.conv_bn(Net::window(channels, 3, stride))?;
        Ok(half)
    })?;
    for i in 0..layers {
        let reduces = i == layers / 3 || i == 2 * layers / 3;
        channels <<= usize::from(reduces);
        let stride = if reduces { net.stride(2) } else { 1 };
        let last = net.at;
        net.scope(format!("cell{}", i + 1), |net| {
            let edges = if reduces { &genotype.reduce } else { &genotype.normal };
            cell(net, edges, before, channels, stride)
        })?;
        before = last;
    }
    net.scope("head", |net| Ok(net.classifier()?))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Input, member};

    #[test]
    fn parameters_are_those_of_the_published_networks() {
        for (name, params) in [("darts_v2", 3_349_342), ("pc_darts_cifar", 3_634_678)] {
            let graph = member(name).unwrap().graph(&Input::default()).unwrap().verify().unwrap();
            assert_eq!(graph.params(), params, "{name}");
        }
    }
}
