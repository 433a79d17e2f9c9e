//! Layers are named by their place, so that networks of a space can share weights.

use nasmyth_graph::NodeId;
use nasmyth_space::{Context, Genotype, Rng, Space, from_toml, preset};
use rand::SeedableRng;
use std::collections::BTreeSet;

/// Names and shapes of all trained tensors.
fn tensors(space: &Space, genotype: &Genotype) -> BTreeSet<(String, Vec<usize>)> {
    let graph = space.lower(genotype).unwrap().verify().unwrap();
    let nodes = graph.nodes().iter().enumerate();
    let own = nodes.flat_map(|(i, node)| graph.params_of(NodeId(i)).into_iter().map(move |p| (node, p)));
    own.map(|(node, p)| (format!("{}.{}", node.name, p.name), p.shape)).collect()
}

#[test]
fn another_operator_on_an_edge_changes_the_tensors_of_that_edge_only() {
    let space = preset("cell", &Context::image(32, 32, 3, 10)).unwrap();
    let cell = |edge: &str| space.parse(&format!("cells=2,cell.node2-1={edge}")).unwrap();
    let (before, after) = (tensors(&space, &cell("nor_conv_3x3")), tensors(&space, &cell("nor_conv_1x1")));
    let changed: Vec<_> = before.symmetric_difference(&after).collect();
    assert_eq!(changed.len(), 2 * 6 * 5, "a weight and four of batch norm, in six cells, before and after");
    assert!(changed.iter().all(|(key, _)| key.contains("node2-1.nor_conv_")), "{changed:?}");
}

#[test]
fn more_blocks_and_another_width_leave_the_names_of_other_stages() {
    let space = preset("mobile", &Context::image(28, 28, 1, 10)).unwrap();
    let common = |a: &str, b: &str| -> Vec<String> {
        let [a, b] = [a, b].map(|genes| tensors(&space, &space.parse(genes).unwrap()));
        a.difference(&b).map(|(key, _)| key.clone()).collect()
    };
    let gone = common("stage2.blocks=3", "stage2.blocks=1");
    assert!(!gone.is_empty() && gone.iter().all(|k| k.starts_with("stage2.block")), "{gone:?}");
    let other = common("stage1.blocks[0].op=inverted", "stage1.blocks[0].op=fused");
    assert!(!other.is_empty() && other.iter().all(|k| k.starts_with("stage1.block0.")), "{other:?}");
}

#[test]
fn layers_of_a_file_are_named_by_their_labels() {
    let text = r#"
        name = "net"
        [[layer]]
        op = "repeat"
        name = "trunk"
        times = { int = [1, 3] }
        body = [{ op = "choice", name = "kind", options = [[{ op = "conv", out = 8, norm = "batch" }], []] }]
        [[layer]]
        op = "conv"
        name = "last"
        out = 4
    "#;
    let space = from_toml(text, &Context::image(8, 8, 1, 2)).unwrap();
    let mut rng = Rng::seed_from_u64(1);
    for _ in 0..20 {
        let all = tensors(&space, &space.sample(&mut rng));
        assert!(
            all.contains(&("last.conv_0.weight".to_owned(), vec![3, 3, 8, 4])) || all.len() < 8,
            "{all:?}"
        );
        let known = ["standardize_1.", "trunk.", "last.conv_0.", "classifier.linear_0."];
        assert!(all.iter().all(|(key, _)| known.iter().any(|k| key.starts_with(k))), "{all:?}");
    }
}
