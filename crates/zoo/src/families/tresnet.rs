//! TResNet (Ridnik et al. 2021): a ResNet for GPUs. The stem turns 4x4 positions into channels, two stages have basic blocks and two
//! bottlenecks, three of them with squeeze-excitation, and strides smooth before they drop positions.
//!
//! | member | M | L | XL |
//! |---|---|---|---|
//! | depths (table 1) | 3/4/11/3 | 4/5/18/3 | 4/5/24/3 |
//! | width | 64 | 76 | 83 |

use crate::blocks::mean_of_halves;
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::blocks::squeeze_excitation;
use nasmyth_graph::ops::{BlurPool, Conv, Function, LeakyRelu, Permute, Reshape};

pub(super) const FAMILY: Family = Family {
    name: "tresnet",
    doc: "ResNet with positions folded into channels, squeeze-excitation and smoothed strides.",
    paper: "Ridnik, Lawen, Noy, Ben Baruch, Sharir and Friedman 2021, TResNet: High Performance GPU-Dedicated Architecture",
    data: Data::Images,
    knobs: &[
        Knob::list("depths", "blocks of each stage", "3/4/11/3", (1, 5), (1, 200)).searched(&[1, 2, 3, 4]),
        Knob::int(
            "width",
            "channels of the first stage; doubled from stage to stage",
            "64",
            (4, 512),
            &[16, 24, 32, 48, 64],
        ),
        Knob::int("basic", "stages of basic blocks, before those of bottlenecks", "2", (0, 5), &[0, 1, 2, 4]),
    ],
    members: &[
        Member::new("tresnet_m", 224, ""),
        Member::new("tresnet_l", 224, "depths=4/5/18/3,width=76"),
        Member::new("tresnet_xl", 224, "depths=4/5/24/3,width=83"),
        Member::new("tresnet_v2_l", 224, "depths=3/4/23/3,basic=0"),
    ],
    build,
};

/// Slope of the activations inside blocks.
const LEAKY: LeakyRelu = LeakyRelu { slope: 1e-3 };

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (width, basic) = (numbers.size("width")?, numbers.size("basic")?);
    let depths = numbers.sizes("depths")?;
    net.style.act = Function::LeakyRelu;
    net.scope("stem", |net| {
        let side = net.stride(4);
        space_to_depth(net, side)?;
        Ok(net.conv_bn_act(Net::window(width, 3, 1))?)
    })?;
    for (i, &depth) in depths.iter().enumerate() {
        for j in 0..depth {
            let block = Block {
                width: width << i,
                stride: if i > 0 && j == 0 { net.stride(2) } else { 1 },
                is_basic: i < basic,
                squeezes: i + 1 < depths.len(),
            };
            net.scope(format!("stage{}.block{}", i + 1, j + 1), |net| block.append(net))?;
        }
    }
    net.scope("head", |net| Ok(net.classifier()?))?;
    Ok(())
}

/// `[h, w, c]` to `[h / side, w / side, side side c]`.
fn space_to_depth(net: &mut Net, side: usize) -> Result<NodeId, ZooError> {
    let &[h, w, c] = net.shape().shape() else { return Ok(net.at) };
    net.push(Reshape(vec![h / side, side, w / side, side, c]))?;
    net.push(Permute(vec![0, 2, 1, 3, 4]))?;
    Ok(net.push(Reshape(vec![h / side, w / side, side * side * c]))?)
}

/// A block (figure 2).
struct Block {
    /// Channels inside.
    width: usize,
    stride: usize,
    is_basic: bool,
    squeezes: bool,
}

impl Block {
    fn append(&self, net: &mut Net) -> Result<(), ZooError> {
        let out = if self.is_basic { self.width } else { 4 * self.width };
        let from = net.at;
        if net.channels() != out || self.stride != 1 {
            if self.stride != 1 {
                mean_of_halves(net)?;
            }
            net.conv_bn(Net::window(out, 1, 1))?;
        }
        let shortcut = std::mem::replace(&mut net.at, from);
        if self.is_basic {
            self.leaky(net, Net::window(self.width, 3, 1))?;
            self.blur(net)?;
            net.conv_bn(Net::window(out, 3, 1))?;
            self.squeeze(net, out / 4)?;
        } else {
            self.leaky(net, Net::window(self.width, 1, 1))?;
            self.leaky(net, Net::window(self.width, 3, 1))?;
            self.blur(net)?;
            self.squeeze(net, out / 8)?;
            net.conv_bn(Net::window(out, 1, 1))?;
        }
        net.add(shortcut)?;
        net.activate(Function::Relu)?;
        Ok(())
    }

    fn leaky(&self, net: &mut Net, conv: Conv) -> Result<NodeId, ZooError> {
        net.conv_bn(conv)?;
        Ok(net.push(LEAKY)?)
    }

    fn blur(&self, net: &mut Net) -> Result<(), ZooError> {
        if self.stride != 1 {
            net.push(BlurPool { size: 3, stride: self.stride })?;
        }
        Ok(())
    }

    /// Squeeze-excitation, at least 64 wide.
    fn squeeze(&self, net: &mut Net, hidden: usize) -> Result<(), ZooError> {
        if self.squeezes {
            let hidden = hidden.max(64);
            net.with(|g, x| squeeze_excitation(g, x, hidden, Function::Relu, Function::Sigmoid))?;
        }
        Ok(())
    }
}
