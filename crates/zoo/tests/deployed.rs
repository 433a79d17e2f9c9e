//! Families that are trained in another form than they run in: what is left after reparametrisation.

use nasmyth_graph::VerifiedGraph;
use nasmyth_graph::ops::{Add, BatchNorm};
use nasmyth_graph::passes::{fold_batch_norm, reparametrise, simplify};
use nasmyth_zoo::{Input, member};

fn deployed(name: &str) -> VerifiedGraph {
    let mut graph = member(name).unwrap().graph(&Input::default()).unwrap().verify().unwrap();
    loop {
        let (next, merges) = reparametrise(&fold_batch_norm(&simplify(&graph)).0);
        graph = next;
        if merges.is_empty() {
            return graph;
        }
    }
}

/// Vasu et al. 2023, table 2; Ding et al. 2021, table 4; Chen et al. 2023, table 4: exact counts of the smallest, millions of the
/// others as far as printed.
#[test]
fn deployed_networks_have_as_many_parameters_as_published() {
    let published = [("mobileone_s0", 2_078_504), ("repvgg_a0", 8_309_384)];
    for (name, params) in published {
        let graph = deployed(name);
        assert_eq!(graph.params(), params, "{name}");
        for node in graph.nodes() {
            let is_left = node.op.downcast::<Add>().is_some() || node.op.downcast::<BatchNorm>().is_some();
            assert!(!is_left, "{name}: {}", node.name);
        }
    }
    let millions = |name: &str| deployed(name).params() as f64 / 1e6;
    for (name, published) in [
        ("mobileone_s1", 4.8),
        ("mobileone_s2", 7.8),
        ("mobileone_s3", 10.1),
        ("mobileone_s4", 14.8),
        ("vanillanet_5", 15.5),
        ("vanillanet_6", 32.5),
        ("vanillanet_7", 32.8),
        ("vanillanet_8", 37.1),
        ("vanillanet_9", 41.4),
        ("vanillanet_10", 45.7),
        ("vanillanet_11", 50.0),
        ("vanillanet_12", 54.3),
        ("vanillanet_13", 58.6),
        ("vanillanet_13_x1_5", 127.8),
    ] {
        assert_eq!((millions(name) * 10.0).round() / 10.0, published, "{name}");
    }
    for (name, published) in [
        ("repvgg_a1", 12.78),
        ("repvgg_a2", 25.49),
        ("repvgg_b0", 14.33),
        ("repvgg_b1", 51.82),
        ("repvgg_b1g4", 36.12),
        ("repvgg_b2", 80.31),
        ("repvgg_b2g4", 55.77),
        ("repvgg_b3", 110.96),
        ("repvgg_b3g4", 75.62),
    ] {
        assert_eq!((millions(name) * 100.0).floor() / 100.0, published, "{name} (the paper cuts digits off)");
    }
}
