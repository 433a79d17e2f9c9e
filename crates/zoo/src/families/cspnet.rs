//! CSPNet (Wang et al. 2020): of every stage, blocks see only half of the channels; the other half joins them at the end, so that
//! gradients do not pass both ways. `csp` is figure 3b, `cs3` is the form of YOLOv5 with one transition less, `dark` are Darknet's stages
//! (Redmon and Farhadi 2018) without any split.

use crate::blocks::{Attention, Residual, bottleneck};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError, round_half_even};
use nasmyth_graph::ops::{Concat, Function, Pool, Pooling, Slice};

pub(super) const FAMILY: Family = Family {
    name: "cspnet",
    doc: "Stages whose blocks see half of the channels; the other half passes by.",
    paper: "Wang, Liao, Wu, Chen, Hsieh and Yeh 2020, CSPNet: A New Backbone that can Enhance Learning Capability of CNN",
    data: Data::Images,
    knobs: &[
        Knob::list("depths", "blocks of each stage", "3/3/5/2", (1, 8), (1, 100)).searched(&[1, 2, 3]),
        Knob::list("widths", "channels of each stage", "128/256/512/1024", (1, 8), (2, 8192))
            .searched(&[32, 64, 128, 256]),
        Knob::list("stem", "channels of the first layers", "64", (1, 8), (1, 4096)),
        Knob::int("stem_kernel", "window of the first layers", "3", (1, 15), &[]),
        Knob::word(
            "stem_halving",
            "by the first convolution, by it and a pool, or not at all",
            "pool",
            &["none", "conv", "pool"],
        )
        .fixed(),
        Knob::word("stage", "kind of all stages", "csp", &["csp", "cs3", "dark"]).fixed(),
        Knob::word("block", "1x1, 3x3, 1x1; or 1x1, 3x3; or 3x3, 1x1", "bottle", &["bottle", "dark", "edge"])
            .fixed(),
        Knob::reals(
            "expand",
            "channels before the split, as a factor; the last one for all further stages",
            "1",
            (1, 8),
            (0.1, 8.0),
        ),
        Knob::reals("bottleneck", "inner width of blocks, as a factor; so too", "0.5", (1, 8), (0.05, 8.0))
            .searched_reals(&[0.25, 0.5, 1.0]),
        Knob::list("groups", "groups of the 3x3 convolutions; so too", "1", (1, 8), (1, 1024)),
        Knob::word("expansion", "activation before the split, or none", "active", &["active", "linear"])
            .fixed(),
        Knob::word(
            "growth",
            "where channels grow: in a stage's first convolution, or after it",
            "later",
            &["first", "later"],
        )
        .fixed(),
        Knob::word("halving", "by a 3x3 convolution, or a mean and 1x1", "stride", &["stride", "average"])
            .fixed(),
        Knob::real(
            "squeeze",
            "squeeze-excitation in blocks as a share of their inner width",
            "0",
            (0.0, 1.0),
            &[0.0, 0.25],
        ),
        Knob::word("act", "activation", "leaky_relu", &["leaky_relu", "silu"]),
    ],
    members: &[
        Member::new(
            "cspresnet50",
            256,
            "depths=3/3/5/2,widths=128/256/512/1024,stem=64,stem_kernel=7,expand=2,bottleneck=0.5,expansion=linear",
        ),
        Member::new(
            "cspresnet50d",
            256,
            "depths=3/3/5/2,widths=128/256/512/1024,stem=32/32/64,expand=2,bottleneck=0.5,expansion=linear",
        ),
        Member::new(
            "cspresnet50w",
            256,
            "depths=3/3/5/2,widths=256/512/1024/2048,stem=32/32/64,bottleneck=0.25,expansion=linear",
        ),
        Member::new(
            "cspresnext50",
            256,
            "depths=3/3/5/2,widths=256/512/1024/2048,stem=64,stem_kernel=7,bottleneck=1,groups=32,expansion=linear",
        ),
        Member::new(
            "cspdarknet53",
            256,
            "depths=1/2/8/8/4,widths=64/128/256/512/1024,stem=32,stem_halving=none,block=dark,expand=2/1,bottleneck=0.5/1,growth=first",
        ),
        Member::new(
            "darknet17",
            256,
            "depths=1/1/1/1/1,widths=64/128/256/512/1024,stem=32,stem_halving=none,stage=dark,block=dark,bottleneck=0.5",
        ),
        Member::new(
            "darknet21",
            256,
            "depths=1/1/1/2/2,widths=64/128/256/512/1024,stem=32,stem_halving=none,stage=dark,block=dark,bottleneck=0.5",
        ),
        Member::new(
            "sedarknet21",
            256,
            "depths=1/1/1/2/2,widths=64/128/256/512/1024,stem=32,stem_halving=none,stage=dark,block=dark,bottleneck=0.5,squeeze=0.0625",
        ),
        Member::new(
            "darknet53",
            256,
            "depths=1/2/8/8/4,widths=64/128/256/512/1024,stem=32,stem_halving=none,stage=dark,block=dark,bottleneck=0.5",
        ),
        Member::new(
            "darknetaa53",
            256,
            "depths=1/2/8/8/4,widths=64/128/256/512/1024,stem=32,stem_halving=none,stage=dark,block=dark,bottleneck=0.5,halving=average",
        ),
        Member::new(
            "cs3darknet_s",
            256,
            "depths=1/3/4/1,widths=64/128/256/512,stem=16/32,stem_halving=conv,stage=cs3,block=dark,bottleneck=1,act=silu",
        ),
        Member::new(
            "cs3darknet_m",
            256,
            "depths=2/4/6/2,widths=96/192/384/768,stem=24/48,stem_halving=conv,stage=cs3,block=dark,bottleneck=1,act=silu",
        ),
        Member::new(
            "cs3darknet_l",
            256,
            "depths=3/6/9/3,widths=128/256/512/1024,stem=32/64,stem_halving=conv,stage=cs3,block=dark,bottleneck=1,act=silu",
        ),
        Member::new(
            "cs3darknet_x",
            256,
            "depths=3/7/11/3,widths=160/320/640/1280,stem=40/80,stem_halving=conv,stage=cs3,block=dark,bottleneck=1,act=silu",
        ),
        Member::new(
            "cs3darknet_focus_s",
            256,
            "depths=1/3/4/1,widths=64/128/256/512,stem=32,stem_kernel=6,stem_halving=conv,stage=cs3,block=dark,bottleneck=1,act=silu",
        ),
        Member::new(
            "cs3darknet_focus_m",
            256,
            "depths=2/4/6/2,widths=96/192/384/768,stem=48,stem_kernel=6,stem_halving=conv,stage=cs3,block=dark,bottleneck=1,act=silu",
        ),
        Member::new(
            "cs3darknet_focus_l",
            256,
            "depths=3/6/9/3,widths=128/256/512/1024,stem=64,stem_kernel=6,stem_halving=conv,stage=cs3,block=dark,bottleneck=1,act=silu",
        ),
        Member::new(
            "cs3darknet_focus_x",
            256,
            "depths=3/7/11/3,widths=160/320/640/1280,stem=80,stem_kernel=6,stem_halving=conv,stage=cs3,block=dark,bottleneck=1,act=silu",
        ),
        Member::new(
            "cs3sedarknet_l",
            256,
            "depths=3/6/9/3,widths=128/256/512/1024,stem=32/64,stem_halving=conv,stage=cs3,block=dark,bottleneck=1,squeeze=0.25,act=silu",
        ),
        Member::new(
            "cs3sedarknet_x",
            256,
            "depths=3/7/11/3,widths=160/320/640/1280,stem=40/80,stem_halving=conv,stage=cs3,block=dark,bottleneck=1,squeeze=0.0625,act=silu",
        ),
        Member::new(
            "cs3sedarknet_xdw",
            256,
            "depths=3/6/12/4,widths=256/512/1024/2048,stem=32/64,stem_halving=conv,bottleneck=0.5,groups=1/1/256/512,squeeze=0.0625,act=silu",
        ),
        Member::new(
            "cs3edgenet_x",
            256,
            "depths=3/7/11/3,widths=160/320/640/1280,stem=40/80,stem_halving=conv,stage=cs3,block=edge,bottleneck=1.5,act=silu",
        ),
        Member::new(
            "cs3se_edgenet_x",
            256,
            "depths=3/7/11/3,widths=160/320/640/1280,stem=40/80,stem_halving=conv,stage=cs3,block=edge,bottleneck=1.5,squeeze=0.25,act=silu",
        ),
    ],
    build,
};

/// Numbers of a stage.
struct Stage<'a> {
    kind: &'a str,
    block: &'a str,
    width: usize,
    depth: usize,
    /// Channels before the split.
    expanded: usize,
    bottleneck: f64,
    groups: usize,
    squeeze: f64,
    /// `None`: the stage keeps the size and has no first convolution.
    stride: Option<usize>,
    is_linear: bool,
    grows_first: bool,
    is_averaged: bool,
}

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (depths, widths) = (numbers.sizes("depths")?, numbers.sizes("widths")?);
    if depths.len() != widths.len() {
        return Err(numbers.wrong("widths", format!("{} entries, as many as depths", depths.len())));
    }
    net.style.act = if numbers.word("act")? == "silu" { Function::Silu } else { Function::LeakyRelu };
    net.scope("stem", |net| stem(net, numbers))?;
    let expand = numbers.reals("expand")?;
    let (bottlenecks, groups) = (numbers.reals("bottleneck")?, numbers.sizes("groups")?);
    for (i, (&depth, &width)) in depths.iter().zip(&widths).enumerate() {
        let is_first = i == 0 && numbers.word("stem_halving")? == "pool";
        let stage = Stage {
            kind: numbers.word("stage")?,
            block: numbers.word("block")?,
            width,
            depth,
            expanded: round_half_even(width as f64 * at_or_last(&expand, i)),
            bottleneck: at_or_last(&bottlenecks, i),
            groups: at_or_last(&groups, i),
            squeeze: numbers.real("squeeze")?,
            stride: if is_first { None } else { Some(net.stride(2)) },
            is_linear: numbers.word("expansion")? == "linear",
            grows_first: numbers.word("growth")? == "first",
            is_averaged: numbers.word("halving")? == "average",
        };
        if stage.kind != "dark" && !stage.expanded.is_multiple_of(2) {
            return Err(numbers.wrong("expand", "an even number of channels to split"));
        }
        if !stage.divides(net.channels()) {
            return Err(
                numbers.wrong("groups", "divisors of the channels of blocks and strided convolutions")
            );
        }
        net.scope(format!("stage{}", i + 1), |net| stage.append(net))?;
    }
    net.scope("head", |net| Ok(net.classifier()?))?;
    Ok(())
}

fn at_or_last<T: Copy + Default>(values: &[T], i: usize) -> T {
    values.get(i).or(values.last()).copied().unwrap_or_default()
}

fn stem(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (kernel, halving) = (numbers.size("stem_kernel")?, numbers.word("stem_halving")?);
    for (i, width) in numbers.sizes("stem")?.into_iter().enumerate() {
        let stride = if i == 0 && halving != "none" { net.stride(2) } else { 1 };
        net.conv_bn_act(Net::window(width, kernel, stride))?;
    }
    if halving == "pool" {
        let stride = net.stride(2);
        net.max_pool3(stride)?;
    }
    Ok(())
}

impl Stage<'_> {
    /// Whether the groups divide the channels of all convolutions that have them, for this number of input channels.
    fn divides(&self, inputs: usize) -> bool {
        let inside = if self.kind == "dark" { self.width } else { self.expanded / 2 };
        let before = if self.stride.is_some() { [inputs, self.width] } else { [0, 0] };
        let all = before.into_iter().chain([inside, self.middle(inside)]);
        all.into_iter().all(|channels| channels.is_multiple_of(self.groups))
    }

    /// Inner width of a block of this width.
    fn middle(&self, width: usize) -> usize {
        round_half_even(width as f64 * self.bottleneck).max(1)
    }

    fn append(&self, net: &mut Net) -> Result<(), ZooError> {
        net.scope("downsample", |net| self.halve(net))?;
        if self.kind == "dark" {
            return self.blocks(net, self.width);
        }
        let expand = Net::window(self.expanded, 1, 1);
        let all = if self.is_linear { net.conv_bn(expand)? } else { net.conv_bn_act(expand)? };
        let half = self.expanded / 2;
        let [first, second] = [(0, half), (half, self.expanded)].map(|(start, end)| Slice { start, end });
        let is_csp = self.kind == "csp";
        let (passing, seen) = if is_csp { (first, second) } else { (second, first) };
        let passing = net.push(passing)?;
        net.at = all;
        net.push(seen)?;
        self.blocks(net, half)?;
        if is_csp {
            net.conv_bn_act(Net::window(half, 1, 1))?;
        }
        let seen = net.at;
        net.join(Concat, &if is_csp { [passing, seen] } else { [seen, passing] })?;
        net.conv_bn_act(Net::window(self.width, 1, 1))?;
        Ok(())
    }

    fn halve(&self, net: &mut Net) -> Result<(), ZooError> {
        let Some(stride) = self.stride else { return Ok(()) };
        if self.is_averaged {
            net.push(Pool::new(Pooling::Average, &[stride, stride]))?;
            net.conv_bn_act(Net::window(self.width, 1, 1).groups(self.groups))?;
        } else {
            let out = if self.grows_first || self.kind == "dark" { self.width } else { net.channels() };
            net.conv_bn_act(Net::window(out, 3, stride).groups(self.groups))?;
        }
        Ok(())
    }

    fn blocks(&self, net: &mut Net, width: usize) -> Result<(), ZooError> {
        let middle = self.middle(width);
        for j in 0..self.depth {
            net.scope(format!("block{}", j + 1), |net| self.block(net, width, middle))?;
        }
        Ok(())
    }

    /// A block that keeps the shape.
    fn block(&self, net: &mut Net, width: usize, middle: usize) -> Result<(), ZooError> {
        let attention = Attention::squeeze(self.squeeze).map(|a| a.act(net.style.act));
        if self.block == "bottle" {
            let block = Residual {
                groups: self.groups,
                attention,
                attention_inside: true,
                ..Residual::new(width, middle)
            };
            return bottleneck(net, &block);
        }
        let from = net.at;
        let (first, second) = if self.block == "dark" { (1, 3) } else { (3, 1) };
        let groups = |kernel| if kernel == 3 { self.groups } else { 1 };
        net.conv_bn_act(Net::window(middle, first, 1).groups(groups(first)))?;
        if let Some(attention) = attention {
            attention.apply(net)?;
        }
        net.conv_bn_act(Net::window(width, second, 1).groups(groups(second)))?;
        net.add(from)?;
        Ok(())
    }
}
