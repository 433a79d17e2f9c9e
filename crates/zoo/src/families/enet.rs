//! ENet (Paszke et al. 2016): an answer for each pixel, in real time. An encoder that halves the size early, bottlenecks whose middle is a 3x3,
//! a dilated or an asymmetric convolution, and a small decoder that puts values back where the encoder's pools found their
//! maxima. Biases, and ReLU in the decoder, are as in the authors' code.
//!
//! | stage (table 1) | bottlenecks | channels |
//! |---|---|---|
//! | initial | a convolution beside a pool | 16 |
//! | 1 | downsampling, 4 regular | 64 |
//! | 2, 3 | downsampling (2 only), regular, dilated 2, asymmetric 5, dilated 4, regular, dilated 8, asymmetric 5, dilated 16 | 128 |
//! | 4 | upsampling, 2 regular | 64 |
//! | 5 | upsampling, 1 regular | 16 |

use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{
    BatchNorm, ChannelDropout, Concat, Conv, ConvTranspose, Function, MaxUnpool, Pool, Pooling, Prelu, Slice,
    Zero,
};

pub(super) const FAMILY: Family = Family {
    name: "enet",
    doc: "Segmentation in real time: a large encoder of dilated and asymmetric bottlenecks, a small decoder.",
    paper: "Paszke, Chaurasia, Kim and Culurciello 2016, ENet: A Deep Neural Network Architecture for Real-Time Semantic Segmentation",
    data: Data::Pixels,
    knobs: &[
        Knob::list(
            "widths",
            "channels of the initial block and of the first two stages",
            "16/64/128",
            (3, 3),
            (4, 4096),
        )
        .searched(&[16, 32, 64, 128]),
        Knob::int("repeats", "times that the eight bottlenecks of a stage follow", "2", (1, 32), &[1, 2]),
        Knob::int("ratio", "channels of a bottleneck as a multiple of its middle's", "4", (1, 16), &[2, 4]),
        Knob::list("dilations", "of the dilated bottlenecks of a stage", "2/4/8/16", (4, 4), (1, 64)),
        Knob::int(
            "asymmetric",
            "window of the asymmetric convolutions, along one axis and the other",
            "5",
            (1, 31),
            &[],
        ),
    ],
    members: &[Member::new("enet", 512, "").classes(19), Member::new("enet_camvid", 480, "").classes(11)],
    build,
};

/// The middle of a bottleneck.
#[derive(Clone, Copy)]
enum Middle {
    Regular,
    Dilated(usize),
    Asymmetric(usize),
    /// Upwards, to the size and channels of this value.
    Transposed(NodeId),
}

/// A bottleneck (figure 2b).
struct Bottleneck {
    out: usize,
    inner: usize,
    halves: bool,
    middle: Middle,
    /// Rate of dropout of whole channels at the end of the branch; `None`: of the decoder, which has ReLU instead of PReLU too.
    dropout: Option<f64>,
}

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (widths, ratio) = (numbers.sizes("widths")?, numbers.size("ratio")?);
    let channels = net.channels();
    if !(channels < widths[0] && widths[0] <= widths[1] && widths[1] <= widths[2]) {
        return Err(numbers
            .wrong("widths", format!("more channels than the input's {channels}, and not fewer later")));
    }
    net.style.norm = BatchNorm { eps: 1e-3, ..BatchNorm::default() };
    let bottleneck = |out: usize, dropout| Bottleneck {
        out,
        inner: (out / ratio).max(1),
        halves: false,
        middle: Middle::Regular,
        dropout,
    };
    let input = net.at;
    net.scope("initial", |net| initial(net, widths[0]))?;
    let mut sources = Vec::new();
    for (stage, dropout) in [(1, 0.01), (2, 0.1)] {
        sources.push(net.at);
        let block = bottleneck(widths[stage], Some(dropout));
        net.scope(format!("stage{stage}.down"), |net| Bottleneck { halves: true, ..block }.append(net))?;
        let middles = if stage == 1 { vec![Middle::Regular; 4] } else { middles(numbers)? };
        for (i, middle) in middles.into_iter().enumerate() {
            let block = Bottleneck { middle, ..bottleneck(widths[stage], Some(dropout)) };
            net.scope(format!("stage{stage}.block{}", i + 1), |net| block.append(net))?;
        }
    }
    net.style.act = Function::Relu;
    for (stage, regular) in [(4, 2), (5, 1)] {
        let Some(source) = sources.pop() else { continue };
        let block = bottleneck(net.graph.fact(source).channels(), None);
        net.scope(format!("stage{stage}.up"), |net| {
            Bottleneck { middle: Middle::Transposed(source), ..block }.append(net)
        })?;
        for i in 0..regular {
            let block = bottleneck(net.channels(), None);
            net.scope(format!("stage{stage}.block{}", i + 1), |net| block.append(net))?;
        }
    }
    net.scope("head", |net| double(net, ConvTranspose::new(net.outputs(), &[2, 2], &[2, 2]), input))?;
    Ok(())
}

/// Bottlenecks of the second and third stage.
fn middles(numbers: &Numbers) -> Result<Vec<Middle>, ZooError> {
    let (dilations, window) = (numbers.sizes("dilations")?, numbers.size("asymmetric")?);
    let half = |i: usize| {
        [
            Middle::Regular,
            Middle::Dilated(dilations[i]),
            Middle::Asymmetric(window),
            Middle::Dilated(dilations[i + 1]),
        ]
    };
    let once = [half(0), half(2)].concat();
    Ok(once.repeat(numbers.size("repeats")?))
}

/// A convolution beside a pool that keeps the input's channels (figure 2a).
fn initial(net: &mut Net, width: usize) -> Result<(), ZooError> {
    let (from, channels) = (net.at, net.channels());
    let stride = net.stride(2);
    let conv = net.conv(Net::window(width - channels, 3, stride).with_bias())?;
    net.at = from;
    let odd = net.shape().spatial().iter().map(|n| n % 2);
    let pad = [0, 0].into_iter().chain(odd).collect();
    let pool = net.push(Pool { pad, ..Pool::new(Pooling::Max, &[2, 2]) })?;
    net.join(Concat, &[conv, pool])?;
    net.batch_norm()?;
    net.push(Prelu)?;
    Ok(())
}

impl Bottleneck {
    fn append(&self, net: &mut Net) -> Result<(), ZooError> {
        let from = net.at;
        let stride = if self.halves { net.stride(2) } else { 1 };
        let first = Net::window(self.inner, stride, stride);
        net.conv(Conv { pad: vec![0; 4], ..first })?;
        net.batch_norm()?;
        self.act(net)?;
        self.middle(net)?;
        net.batch_norm()?;
        self.act(net)?;
        net.conv_bn(Net::window(self.out, 1, 1))?;
        if let Some(rate) = self.dropout {
            net.push(ChannelDropout { rate })?;
        }
        let branch = std::mem::replace(&mut net.at, from);
        self.pass(net)?;
        net.add(branch)?;
        self.act(net)?;
        Ok(())
    }

    fn act(&self, net: &mut Net) -> Result<NodeId, ZooError> {
        Ok(if self.dropout.is_some() { net.push(Prelu)? } else { net.act()? })
    }

    fn middle(&self, net: &mut Net) -> Result<(), ZooError> {
        let inner = self.inner;
        match self.middle {
            Middle::Regular => net.conv(Net::window(inner, 3, 1).with_bias())?,
            Middle::Dilated(dilation) => net.conv(Net::window(inner, 3, 1).dilation(dilation).with_bias())?,
            Middle::Asymmetric(window) => {
                net.conv(Conv::same(inner, &[1, window]))?;
                net.conv(Conv::same(inner, &[window, 1]).with_bias())?
            }
            Middle::Transposed(source) => double(net, ConvTranspose::new(inner, &[3, 3], &[2, 2]), source)?,
        };
        Ok(())
    }

    /// The way past the branch.
    fn pass(&self, net: &mut Net) -> Result<(), ZooError> {
        if let Middle::Transposed(source) = self.middle {
            let value = net.conv_bn(Net::window(self.out, 1, 1))?;
            net.join(MaxUnpool { kernel: vec![2, 2] }, &[value, source])?;
            return Ok(());
        }
        if self.halves {
            net.push(Pool::new(Pooling::Max, &[2, 2]))?;
        }
        widen(net, self.out)
    }
}

/// Appends channels of zeros.
fn widen(net: &mut Net, out: usize) -> Result<(), ZooError> {
    let (x, channels) = (net.at, net.channels());
    let mut missing = out.saturating_sub(channels);
    if missing == 0 {
        return Ok(());
    }
    let zeros = net.push(Zero)?;
    let mut parts = vec![x];
    while missing > 0 {
        let end = missing.min(channels);
        net.at = zeros;
        parts.push(if end < channels { net.push(Slice { start: 0, end })? } else { zeros });
        missing -= end;
    }
    net.join(Concat, &parts)?;
    Ok(())
}

/// Appends a transposed convolution to twice the size, or one more or less, as `like` has it.
fn double(net: &mut Net, mut conv: ConvTranspose, like: NodeId) -> Result<NodeId, ZooError> {
    let sizes = net.shape().spatial().iter().zip(net.graph.fact(like).spatial());
    for (i, (&from, &to)) in sizes.enumerate() {
        conv.output_pad[i] += to.saturating_sub(2 * from);
        conv.pad[2 + i] += (2 * from).saturating_sub(to);
    }
    Ok(net.push(conv.with_bias())?)
}
