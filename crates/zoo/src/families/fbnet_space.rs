//! The networks that FBNet was searched among (Wu et al. 2019, tables 1 and 2): 22 layers in seven stages, each an inverted residual with a
//! kernel, an expansion and groups of its 1x1 convolutions, or left out.
//!
//! `data=cifar` is the form for images of 32x32 of HW-NAS-Bench (Li et al. 2021): no stride in the first layer and the second stage, and a
//! narrower head.

use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};

pub(super) const FAMILY: Family = Family {
    name: "fbnet_space",
    doc: "22 inverted residuals of a kernel, an expansion and groups each: FBNet's search space.",
    paper: "Wu, Dai, Zhang, Wang, Sun, Wu, Tian, Vajda, Jia and Keutzer 2019, FBNet: Hardware-Aware Efficient ConvNet Design via Differentiable Neural Architecture Search",
    data: Data::Images,
    knobs: &[
        Knob::list("kernels", "windows", "3/3/3/3/3/3/3/3/3/3/3/3/3/3/3/3/3/3/3/3/3/3", (22, 22), (1, 15))
            .searched(&[3, 5]),
        Knob::list(
            "expansions",
            "expansions; 0 leaves the block out",
            "6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6",
            (22, 22),
            (0, 16),
        )
        .searched(&[0, 1, 3, 6]),
        Knob::list(
            "groups",
            "groups of the 1x1 convolutions",
            "1/1/1/1/1/1/1/1/1/1/1/1/1/1/1/1/1/1/1/1/1/1",
            (22, 22),
            (1, 2),
        )
        .searched(&[1, 2]),
        Knob::word("data", "whose strides and head", "imagenet", &["imagenet", "cifar"]).fixed(),
    ],
    members: &[
        Member::new("fbnet_space", 224, ""),
        Member::new("fbnet_space_cifar", 32, "data=cifar").classes(100),
    ],
    build,
};

/// Channels of the first layer.
const STEM: usize = 16;

/// Blocks and channels of each stage.
const STAGES: [(usize, usize); 7] = [(1, 16), (4, 24), (4, 32), (4, 64), (4, 112), (4, 184), (1, 352)];

/// What the two forms differ in: strides of the first layer and of the stages, channels of the last convolution.
const IMAGENET: (usize, [usize; 7], usize) = (2, [1, 2, 2, 2, 1, 2, 1], 1984);
const CIFAR: (usize, [usize; 7], usize) = (1, [1, 1, 2, 2, 1, 2, 1], 1504);

/// One of the 22.
struct Block {
    kernel: usize,
    expansion: usize,
    groups: usize,
    out: usize,
    stride: usize,
}

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (first, strides, head) = if numbers.word("data")? == "cifar" { CIFAR } else { IMAGENET };
    let (kernels, expansions, groups) =
        (numbers.sizes("kernels")?, numbers.sizes("expansions")?, numbers.sizes("groups")?);
    if kernels.iter().any(|k| k % 2 == 0) {
        return Err(numbers.wrong("kernels", "odd numbers"));
    }
    let mut choices = kernels.into_iter().zip(expansions).zip(groups);
    let first = net.stride(first);
    net.scope("stem", |net| Ok(net.conv_bn_act(Net::window(STEM, 3, first))?))?;
    for (stage, ((blocks, out), stride)) in STAGES.into_iter().zip(strides).enumerate() {
        for (i, ((kernel, expansion), groups)) in choices.by_ref().take(blocks).enumerate() {
            let stride = if i == 0 { net.stride(stride) } else { 1 };
            let block = Block { kernel, expansion, groups, out, stride };
            net.scope(format!("stage{}.block{}", stage + 1, i + 1), |net| block.build(net))?;
        }
    }
    net.scope("head", |net| {
        net.conv_bn_act(Net::window(head, 1, 1))?;
        Ok(net.classifier()?)
    })?;
    Ok(())
}

impl Block {
    fn build(&self, net: &mut Net) -> Result<(), ZooError> {
        let (from, channels) = (net.at, net.channels());
        let same = self.stride == 1 && channels == self.out;
        if self.expansion == 0 {
            if !same {
                net.conv_bn_act(Net::window(self.out, 1, self.stride))?;
            }
            return Ok(());
        }
        let middle = self.expansion * channels;
        net.conv_bn_act(Net::window(middle, 1, 1).groups(self.groups))?;
        if self.groups > 1 {
            net.shuffle(self.groups)?;
        }
        net.conv_bn_act(Net::window(middle, self.kernel, self.stride).groups(middle))?;
        net.conv_bn(Net::window(self.out, 1, 1).groups(self.groups))?;
        if same {
            net.add(from)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Input, member};

    #[test]
    fn parameters_and_sizes_are_those_that_the_table_gives() {
        let graph = |numbers: &str| {
            let network = member(&format!("fbnet_space:{numbers}")).unwrap();
            network.graph(&Input::default()).unwrap().verify().unwrap()
        };
        let zeros = ["0"; 22].join("/");
        let empty = graph(&format!("data=cifar,expansions={zeros}"));
        // Stem, a convolution where the channels change, head, classifier for 1,000; two parameters of a batch norm for each channel.
        let changes: usize = [16, 24, 32, 64, 112, 184, 352].windows(2).map(|w| w[1] * (w[0] + 2)).sum();
        let ends = 16 * (27 + 2) + 1504 * (352 + 2) + 1000 * (1504 + 1);
        assert_eq!(empty.params(), (ends + changes) as u64);
        // One block of 16 channels with groups: half of the weights of its 1x1 convolutions.
        let one = |groups: usize| {
            let first = |n: usize, rest: &str| format!("{n}/{}", [rest; 21].join("/"));
            graph(&format!("data=cifar,expansions={},groups={}", first(3, "0"), first(groups, "1"))).params()
        };
        let middle = 3 * 16;
        assert_eq!(one(1) - empty.params(), (2 * 16 * middle + 9 * middle + 2 * (2 * middle + 16)) as u64);
        assert_eq!(one(1) - one(2), (16 * middle) as u64);
    }
}
