//! MCUNet: networks for microcontrollers (Lin, Chen, Lin, Cohn, Gan and Han 2020). TinyNAS first chooses a width and a resolution
//! that fit the memory, then depths, kernels and expansions (section 3.1). The space is that of ProxylessNAS, without a last convolution.
//!
//! | member | in0 | in1 | in2 | in3 | in4 |
//! |---|---|---|---|---|---|
//! | for | 10 images a second | 5 images a second | 256 kB | 320 kB | 512 kB |
//! | width | 0.6 | 0.5 | 0.5 | 0.5 | 1.0 |
//! | resolution | 48 | 96 | 160 | 176 | 160 |

use crate::blocks::mobile::{Blocks, Trunk, WIDTH, elastic, separable, stage, stem};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::Function;

macro_rules! table {
    ($($name:literal $resolution:literal $width:literal $depths:literal $kernels:literal $expansions:literal),* $(,)?) => {
        &[$(Member::new($name, $resolution, concat!("width=", $width, ",depths=", $depths, ",kernels=", $kernels, ",expansions=",
            $expansions))),*]
    };
}

pub(super) const FAMILY: Family = Family {
    name: "mcunet",
    doc: "Inverted residuals of a kernel and an expansion each, narrow enough for microcontrollers.",
    paper: "Lin, Chen, Lin, Cohn, Gan and Han 2020, MCUNet: Tiny Deep Learning on IoT Devices",
    data: Data::Images,
    knobs: &[
        WIDTH,
        Knob::list("depths", "blocks of the first five stages", "4/4/4/4/4", (5, 5), (1, 4))
            .searched(&[2, 3, 4]),
        Knob::list(
            "kernels",
            "windows, four for each of five stages, one for the sixth",
            "7/7/7/7/7/7/7/7/7/7/7/7/7/7/7/7/7/7/7/7/7",
            (21, 21),
            (1, 15),
        )
        .searched(&[3, 5, 7]),
        Knob::list(
            "expansions",
            "expansions, in the same order",
            "6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6/6",
            (21, 21),
            (1, 16),
        )
        .searched(&[3, 4, 5, 6]),
    ],
    members: table![
        "mcunet-in3" 176 0.5 "4/3/3/3/3"
            "7/3/7/5/5/5/5/3/3/7/5/3/5/7/3/3/3/7/3/3/7"
            "3/5/5/4/5/5/5/3/5/6/4/3/5/5/5/3/6/5/4/3/5",
        "mcunet-in0" 48 0.6 "3/3/2/3/2"
            "5/3/3/3/7/5/5/3/7/5/3/3/3/5/3/3/3/5/3/3/3"
            "4/3/4/3/5/4/5/3/5/4/3/3/5/4/5/3/6/4/3/3/6",
        "mcunet-in1" 96 0.5 "2/2/2/3/3"
            "3/3/3/3/7/3/3/3/3/7/3/3/5/3/3/3/7/5/5/3/3"
            "4/3/3/3/3/5/3/3/5/4/3/3/4/3/4/3/5/4/4/3/6",
        "mcunet-in2" 160 0.5 "4/3/2/3/4"
            "5/7/3/5/3/7/5/3/7/5/3/3/3/5/3/3/5/5/5/3/5"
            "3/6/5/5/5/6/6/3/4/5/3/3/5/5/4/3/6/4/3/4/5",
        "mcunet-in4" 160 1.0 "3/3/3/3/3"
            "7/3/5/3/7/3/7/3/7/3/7/3/3/5/5/3/7/7/5/3/5"
            "3/5/4/3/5/4/4/3/3/3/3/3/4/3/3/3/4/3/3/3/4",
    ],
    build,
};

/// Channels before scaling, and strides.
const STAGES: [Blocks; 6] =
    [stage(24, 2), stage(40, 2), stage(80, 2), stage(96, 1), stage(192, 2), stage(320, 1)];

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let trunk = Trunk::new(numbers.real("width")?, 1.0);
    let mut stages = vec![vec![separable(3, 16).shortcut(false)]];
    stages.extend(elastic(numbers, &STAGES)?);
    net.style.act = Function::Relu6;
    net.style.norm.eps = 1e-3;
    stem(net, trunk.channels(32))?;
    trunk.build(net, &stages)?;
    net.scope("head", |net| Ok(net.classifier()?))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Input, member};

    #[test]
    fn multiply_accumulates_are_those_that_the_authors_list() {
        let millions = [("in0", 6.4), ("in1", 12.8), ("in2", 67.3), ("in3", 81.8), ("in4", 125.9)];
        for (name, listed) in millions {
            let network = member(&format!("mcunet-{name}")).unwrap();
            let graph = network.graph(&Input::default()).unwrap().verify().unwrap();
            assert_eq!((graph.macs() as f64 / 1e5).round() / 10.0, listed, "{name}");
        }
    }
}
