//! Xception (Chollet 2017): residual blocks of depthwise separable convolutions, activation before each (figure 5): an entry that
//! halves the size, a middle of equal blocks, an exit that widens.

use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::{Conv, Function};

pub(super) const FAMILY: Family = Family {
    name: "xception",
    doc: "Residual blocks of depthwise separable convolutions.",
    paper: "Chollet 2017, Xception: Deep Learning with Depthwise Separable Convolutions",
    data: Data::Images,
    knobs: &[
        Knob::list("stem", "channels of the first two convolutions", "32/64", (2, 2), (1, 1024))
            .searched(&[8, 16, 32]),
        Knob::list(
            "entry",
            "channels of the entry's blocks, each of which halves the size",
            "128/256/728",
            (1, 4),
            (1, 4096),
        )
        .searched(&[32, 64, 128, 256]),
        Knob::int("middle", "blocks of the middle", "8", (0, 100), &[1, 2, 4, 8]),
        Knob::int("exit", "channels of the exit's block", "1024", (1, 8192), &[128, 256, 512]),
        Knob::list("tail", "channels of the last two convolutions", "1536/2048", (2, 2), (1, 16384))
            .searched(&[256, 512, 1024]),
    ],
    members: &[Member::new("xception", 299, "")],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let entry = numbers.sizes("entry")?;
    // All at once: convolutions without padding would fail on a small image before the last ones are known.
    let mut strides = (0..entry.len() + 2).map(|_| net.stride(2)).collect::<Vec<_>>().into_iter();
    let mut next = || strides.next().unwrap_or(1);
    let stride = next();
    net.scope("stem", |net| {
        for (i, out) in numbers.sizes("stem")?.into_iter().enumerate() {
            let stride = if i == 0 { stride } else { 1 };
            net.conv_bn_act(Conv { pad: vec![0; 4], ..Net::window(out, 3, stride) })?;
        }
        Ok(())
    })?;
    for (i, out) in entry.into_iter().enumerate() {
        let stride = Some(next());
        let name = format!("entry.block{}", i + 1);
        net.scope(name, |net| block(net, &[out; 2], stride, i > 0))?;
    }
    let width = net.channels();
    for i in 0..numbers.size("middle")? {
        net.scope(format!("middle.block{}", i + 1), |net| block(net, &[width; 3], None, true))?;
    }
    let stride = Some(next());
    net.scope("exit", |net| block(net, &[width, numbers.size("exit")?], stride, true))?;
    net.scope("head", |net| {
        for out in numbers.sizes("tail")? {
            separable(net, out)?;
            net.act()?;
        }
        Ok(net.classifier()?)
    })?;
    Ok(())
}

/// Separable convolutions of these widths, and a maximum if there is a stride, beside a shortcut.
fn block(
    net: &mut Net,
    widths: &[usize],
    stride: Option<usize>,
    starts_active: bool,
) -> Result<(), ZooError> {
    let (from, inputs) = (net.at, net.channels());
    for (i, &out) in widths.iter().enumerate() {
        if i > 0 || starts_active {
            net.activate(Function::Relu)?;
        }
        separable(net, out)?;
    }
    let out = net.channels();
    if let Some(stride) = stride {
        net.max_pool3(stride)?;
    }
    let branch = std::mem::replace(&mut net.at, from);
    if stride.is_some() || inputs != out {
        net.conv_bn(Net::window(out, 1, stride.unwrap_or(1)))?;
    }
    net.add(branch)?;
    Ok(())
}

fn separable(net: &mut Net, out: usize) -> Result<(), ZooError> {
    let channels = net.channels();
    net.conv(Net::window(channels, 3, 1).groups(channels))?;
    net.conv_bn(Net::window(out, 1, 1))?;
    Ok(())
}
