//! ProxylessNAS: searched directly on ImageNet for one device each (Cai, Zhu and Han 2019, figure 4). Five stages have up to four blocks
//! of a kernel and an expansion each, a sixth has one. Blocks that the search left out are not there.

use crate::blocks::mobile::{Blocks, Trunk, WIDTH, conv_head, elastic, separable, stage, stem};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::Function;

macro_rules! table {
    ($($name:literal $channels:literal $depths:literal $kernels:literal $expansions:literal),* $(,)?) => {
        &[$(Member::new($name, 224, concat!("channels=", $channels, ",depths=", $depths, ",kernels=", $kernels, ",expansions=",
            $expansions))),*]
    };
}

pub(super) const FAMILY: Family = Family {
    name: "proxylessnas",
    doc: "Inverted residuals of a kernel and an expansion each, searched for one device.",
    paper: "Cai, Zhu and Han 2019, ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware",
    data: Data::Images,
    knobs: &[
        WIDTH,
        Knob::list(
            "channels",
            "of the first layer, the first block, six stages and the last convolution",
            "32/16/32/40/80/96/192/320/1280",
            (9, 9),
            (8, 8192),
        ),
        Knob::list("depths", "blocks of the first five stages", "4/4/4/4/4", (5, 5), (1, 4))
            .searched(&[1, 2, 3, 4]),
        Knob::list(
            "kernels",
            "windows, four for each of five stages, one for the sixth",
            "5/5/5/5/5/5/5/5/5/5/5/5/5/5/5/5/5/5/5/5/5",
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
        .searched(&[3, 6]),
    ],
    members: table![
        "proxyless_mobile" "32/16/32/40/80/96/192/320/1280" "2/4/4/4/4"
            "5/3/3/3/7/3/5/5/7/5/5/5/5/5/5/5/7/7/7/7/7"
            "3/3/3/3/3/3/3/3/6/3/3/3/6/3/3/3/6/6/3/3/6",
        "proxyless_mobile_14" "48/24/40/56/112/136/256/448/1792" "2/4/4/4/4"
            "5/3/3/3/7/3/5/5/7/5/5/5/5/5/5/5/7/7/7/7/7"
            "3/3/3/3/3/3/3/3/6/3/3/3/6/3/3/3/6/6/3/3/6",
        "proxyless_cpu" "40/24/32/48/88/104/216/360/1432" "4/4/2/4/4"
            "3/3/3/3/3/3/3/5/3/3/3/3/5/3/3/3/5/5/5/3/5"
            "6/3/3/3/6/3/3/3/6/3/3/3/6/3/3/3/6/3/3/3/6",
        "proxyless_gpu" "40/24/32/56/112/128/256/432/1728" "1/2/2/3/4"
            "5/3/3/3/7/3/3/3/7/5/3/3/5/3/5/3/7/7/7/5/7"
            "3/3/3/3/3/3/3/3/6/3/3/3/6/3/3/3/6/6/6/6/6",
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let trunk = Trunk::new(numbers.real("width")?, 1.0);
    let channels = numbers.sizes("channels")?;
    let [first, second, searched @ .., last] = &channels[..] else {
        return Err(numbers.wrong("channels", "nine numbers"));
    };
    let lines: Vec<Blocks> =
        searched.iter().zip([2, 2, 2, 1, 2, 1]).map(|(&out, stride)| stage(out, stride)).collect();
    let mut stages = vec![vec![separable(3, *second).shortcut(false)]];
    stages.extend(elastic(numbers, &lines)?);
    net.style.act = Function::Relu6;
    net.style.norm.eps = 1e-3;
    stem(net, trunk.channels(*first))?;
    trunk.build(net, &stages)?;
    conv_head(net, trunk.channels(*last))
}

#[cfg(test)]
mod tests {
    use crate::{Input, member};

    #[test]
    fn parameters_are_those_of_the_published_models() {
        let published = [
            ("proxyless_cpu", 4_361_648),
            ("proxyless_gpu", 7_119_848),
            ("proxyless_mobile", 4_080_512),
            ("proxyless_mobile_14", 6_857_568),
        ];
        for (name, params) in published {
            let graph = member(name).unwrap().graph(&Input::default()).unwrap().verify().unwrap();
            assert_eq!(graph.params(), params, "{name}");
        }
    }
}
