//! TinyNet: EfficientNet made smaller by the "Rubik's cube" rule (Han, Wang, Zhang, Zhang, Wu and Zhang 2020, section 3): for a target
//! `c`, the share of EfficientNet-B0's multiply-accumulates, resolution and depth are functions of `c`, fitted to good networks
//! found by sampling, and the width is what `c` then leaves. First and last layers keep their widths.
//!
//! | member | A | B | C | D | E |
//! |---|---|---|---|---|---|
//! | resolution | 192 | 188 | 184 | 152 | 106 |
//! | depth | 1.2 | 1.1 | 0.85 | 0.695 | 0.6 |
//! | width | 1.0 | 0.75 | 0.54 | 0.54 | 0.51 |

use super::efficientnet::BASE;
use crate::blocks::mobile::{DEPTH, Trunk, WIDTH, conv_head, stem};
use crate::{Data, Family, Input, Member, Net, Numbers, ZooError};
use nasmyth_graph::Graph;
use nasmyth_graph::ops::Function;

pub(super) const FAMILY: Family = Family {
    name: "tinynet",
    doc: "EfficientNet made smaller: less resolution first, then depth, then width.",
    paper: "Han, Wang, Zhang, Zhang, Wu and Zhang 2020, Model Rubik's Cube: Twisting Resolution, Depth and Width for TinyNets",
    data: Data::Images,
    knobs: &[WIDTH, DEPTH],
    members: &[
        Member::new("tinynet_a", 192, "width=1.0,depth=1.2"),
        Member::new("tinynet_b", 188, "width=0.75,depth=1.1"),
        Member::new("tinynet_c", 184, "width=0.54,depth=0.85"),
        Member::new("tinynet_d", 152, "width=0.54,depth=0.695"),
        Member::new("tinynet_e", 106, "width=0.51,depth=0.6"),
    ],
    build,
};

/// Share of B0's multiply-accumulates, resolution and depth of the published networks. The paper's fits are Gaussian processes that
/// it does not list; between these points they are taken as straight.
const FIT: [(f64, f64, f64); 5] = [
    (0.062, 106.0, 0.6),
    (0.134, 152.0, 0.695),
    (0.258, 184.0, 0.85),
    (0.521, 188.0, 1.1),
    (0.873, 192.0, 1.2),
];

/// Multiply-accumulates of EfficientNet-B0 at 224x224.
const B0: f64 = 385_814_752.0;

/// The network with `ratio` times the multiply-accumulates of EfficientNet-B0 at 224x224.
///
/// # Errors
/// A ratio that is not above 0.
pub fn tinynet(ratio: f64) -> Result<Graph, ZooError> {
    let (resolution, depth) = resolution_and_depth(ratio);
    let build = |width: f64| {
        let network = crate::member(&format!("tinynet:width={width},depth={depth}"))?;
        let graph = network.graph(&Input { resolution: Some(resolution), ..Input::default() })?;
        let macs = graph.clone().verify()?.macs() as f64 / B0;
        Ok::<_, ZooError>((graph, macs))
    };
    // Multiply-accumulates never fall with the width, but they step.
    let (mut narrow, mut wide) = (0.05, 4.0);
    for _ in 0..12 {
        let middle = f64::sqrt(narrow * wide);
        *(if build(middle)?.1 < ratio { &mut narrow } else { &mut wide }) = middle;
    }
    let (below, above) = (build(narrow)?, build(wide)?);
    Ok(if ratio - below.1 < above.1 - ratio { below.0 } else { above.0 })
}

/// Resolution (even) and depth for a share of B0's multiply-accumulates; beyond the published networks those of the last.
fn resolution_and_depth(ratio: f64) -> (usize, f64) {
    let next = FIT.iter().position(|p| p.0 > ratio).unwrap_or(FIT.len());
    let (below, above) = (FIT[next.saturating_sub(1)], FIT[next.min(FIT.len() - 1)]);
    let share = if above.0 > below.0 { (ratio - below.0) / (above.0 - below.0) } else { 0.0 };
    let between = |a: f64, b: f64| a + (b - a) * share;
    (2 * (between(below.1, above.1) / 2.0).round() as usize, between(below.2, above.2))
}

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let trunk = Trunk { nearest: true, ..Trunk::new(numbers.real("width")?, numbers.real("depth")?) };
    net.style.act = Function::Silu;
    stem(net, 32)?;
    trunk.build(net, BASE)?;
    conv_head(net, trunk.channels(1280).max(1280))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_gives_the_published_resolution_and_depth_and_keeps_the_ratio() {
        assert_eq!(resolution_and_depth(FIT[2].0), (184, 0.85));
        assert_eq!(resolution_and_depth(0.01), (106, 0.6));
        assert_eq!(resolution_and_depth(2.0), (192, 1.2));
        for ratio in [0.062, 0.1, 0.134, 0.2, 0.258, 0.4, 0.521, 0.7, 0.873] {
            let macs = tinynet(ratio).unwrap().verify().unwrap().macs() as f64 / B0;
            assert!((macs / ratio - 1.0).abs() < 0.03, "{ratio}: {macs}");
        }
    }
}
