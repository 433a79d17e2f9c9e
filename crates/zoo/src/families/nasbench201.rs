//! Networks of NAS-Bench-201 (Dong and Yang 2020, section 2.1): one cell, five times in each of three stages of 16, 32 and 64 channels. The
//! search space `cell` has the same cells.
//!
//! A cell has four nodes; `op1` to `op6` are the operators of its edges in the benchmark's order, `|op1~0|+|op2~0|op3~1|+|op4~0|op5~1|op6~2|`.
//! Members have the benchmark's numbers. Convolutions that no answer depends on are left out; the benchmark counts them.

use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::Function;
use nasmyth_space::spaces::cell::{OPERATORS, STAGES, cell, reduce};

/// A network for CIFAR-10.
const fn cifar(name: &'static str, numbers: &'static str) -> Member {
    Member::new(name, 32, numbers).classes(10)
}

pub(super) const FAMILY: Family = Family {
    name: "nasbench201",
    doc: "One cell of four nodes and six edges, repeated in three stages.",
    paper: "Dong and Yang 2020, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search",
    data: Data::Images,
    knobs: &[
        Knob::word("op1", "from the input to node 1", "nor_conv_3x3", &OPERATORS),
        Knob::word("op2", "from the input to node 2", "nor_conv_3x3", &OPERATORS),
        Knob::word("op3", "from node 1 to node 2", "nor_conv_3x3", &OPERATORS),
        Knob::word("op4", "from the input to node 3", "skip_connect", &OPERATORS),
        Knob::word("op5", "from node 1 to node 3", "nor_conv_3x3", &OPERATORS),
        Knob::word("op6", "from node 2 to node 3", "nor_conv_1x1", &OPERATORS),
        Knob::int("channels", "channels of the first stage", "16", (1, 1024), &[4, 8, 16]),
        Knob::int("cells", "cells of a stage", "5", (1, 60), &[1, 2, 3, 5]),
    ],
    members: &[
        cifar("nasbench201_6111", ""),
        cifar("nasbench201_9930", "op6=nor_conv_3x3"),
        cifar("nasbench201_11472", "op2=none,op5=none,op6=skip_connect"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let operators = ["op1", "op2", "op3", "op4", "op5", "op6"].map(|name| numbers.word(name));
    let operators = operators.into_iter().collect::<Result<Vec<_>, _>>()?;
    let channels = numbers.size("channels")?;
    net.scope("stem", |net| Ok(net.conv_bn(Net::window(channels, 3, 1))?))?;
    for stage in 0..STAGES {
        if stage > 0 {
            let stride = net.stride(2);
            net.scope(format!("stage{}.reduction", stage + 1), |net| {
                Ok(net.with(|g, x| reduce(g, x, channels << stage, stride))?)
            })?;
        }
        for i in 0..numbers.size("cells")? {
            net.scope(format!("stage{}.cell{}", stage + 1, i + 1), |net| {
                Ok(net.with(|g, x| cell(g, x, &operators))?)
            })?;
        }
    }
    net.scope("head", |net| {
        net.batch_norm()?;
        net.activate(Function::Relu)?;
        Ok(net.classifier()?)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Input, member};

    #[test]
    fn parameters_are_those_of_the_benchmark() {
        for (name, params) in [("6111", 1_073_466), ("9930", 1_288_506), ("11472", 559_386)] {
            let network = member(&format!("nasbench201_{name}")).unwrap();
            let graph = network.graph(&Input::default()).unwrap().verify().unwrap();
            assert_eq!(graph.params(), params, "{name}");
        }
    }
}
