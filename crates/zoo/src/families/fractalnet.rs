//! FractalNet: depth by a rule of expansion instead of shortcuts (Larsson, Maire and Shakhnarovich 2017, section 3): `f_1` is a
//! convolution, `f_{C+1}(z) = [f_C(f_C(z))] + [conv(z)]`, where `+` is the mean, and joins that meet are one. A block of C columns is
//! `2^(C-1)` layers deep and has `2^C - 1` convolutions. In training each join drops inputs (local drop-path).

use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{Mean, Pool, Pooling};

pub(super) const FAMILY: Family = Family {
    name: "fractalnet",
    doc: "Blocks that contain themselves: parallel columns of 1, 2, 4, ... convolutions, joined by means.",
    paper: "Larsson, Maire and Shakhnarovich 2017, FractalNet: Ultra-Deep Neural Networks without Residuals",
    data: Data::Images,
    knobs: &[
        Knob::int("columns", "C, the expansions of a block", "3", (1, 8), &[1, 2, 3, 4]),
        Knob::list("channels", "of each block", "64/128/256/512/512", (1, 8), (1, 4096))
            .searched(&[16, 32, 64, 128]),
        Knob::real(
            "drop",
            "probability that a join leaves out an input",
            "0.15",
            (0.0, 0.9),
            &[0.0, 0.15, 0.3],
        ),
    ],
    members: &[Member::new("fractalnet20", 32, "").classes(10)],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (columns, drop) = (numbers.size("columns")?, numbers.real("drop")?);
    for (i, channels) in numbers.sizes("channels")?.into_iter().enumerate() {
        net.scope(format!("block{}", i + 1), |net| {
            let joined = fractal(net, columns, channels, drop)?;
            join(net, &joined, drop)
        })?;
        let stride = net.stride(2);
        if stride > 1 {
            net.push(Pool::new(Pooling::Max, &[stride; 2]))?;
        }
    }
    net.scope("head", |net| Ok(net.classifier()?))?;
    Ok(())
}

/// What the last join of `f_C` reads, the shortest column first.
fn fractal(net: &mut Net, columns: usize, channels: usize, drop: f64) -> Result<Vec<NodeId>, ZooError> {
    let from = net.at;
    let mut ends = vec![net.conv_bn_act(Net::window(channels, 3, 1))?];
    if columns > 1 {
        net.at = from;
        let first = fractal(net, columns - 1, channels, drop)?;
        join(net, &first, drop)?;
        ends.extend(fractal(net, columns - 1, channels, drop)?);
    }
    Ok(ends)
}

fn join(net: &mut Net, ends: &[NodeId], drop: f64) -> Result<(), ZooError> {
    match ends {
        [one] => net.at = *one,
        _ => _ = net.join(Mean { drop }, ends)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Input, member};
    use nasmyth_graph::NodeId;

    #[test]
    fn a_block_is_as_deep_and_as_large_as_the_rule_says() {
        for columns in 1..=6 {
            let network = member(&format!("fractalnet:columns={columns},channels=4")).unwrap();
            let graph = network.graph(&Input::default()).unwrap();
            let mut depth = vec![0; graph.nodes().len()];
            for i in 0..graph.nodes().len() {
                let node = graph.node(NodeId(i));
                let before = node.inputs.iter().map(|id| depth[id.0]).max().unwrap_or(0);
                depth[i] = before + usize::from(node.op.kind() == "conv");
            }
            let convolutions = graph.nodes().iter().filter(|n| n.op.kind() == "conv").count();
            assert_eq!(
                (depth.into_iter().max(), convolutions),
                (Some(1 << (columns - 1)), (1 << columns) - 1)
            );
        }
    }
}
