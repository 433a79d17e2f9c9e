//! Ensembles share their trunk and nothing else.

use nasmyth_graph::{Graph, NodeId, Role, VerifiedGraph};
use nasmyth_space::{Context, Genotype, Rng, Space, place, preset};
use proptest::prelude::*;
use rand::SeedableRng;
use std::collections::BTreeSet;

fn spaces() -> Vec<Space> {
    let (series, image) = (Context::series(40, 1, 10), Context::image(16, 16, 3, 4));
    let table = Context::table(9, 3).with_categories(&[4, 7]);
    let pairs =
        [("conv1d", &series), ("cell", &series), ("cell", &image), ("mobile", &image), ("mlp", &table)];
    pairs.map(|(name, context)| preset(name, context).unwrap()).into()
}

fn lowered(space: &Space, genotype: &Genotype) -> VerifiedGraph {
    space.lower(genotype).unwrap().verify().unwrap()
}

fn of_text(space: &Space, text: &str) -> VerifiedGraph {
    lowered(space, &space.parse(text).unwrap())
}

/// The network of a member, with the names of the space of the members.
fn member(ensemble: &VerifiedGraph, number: usize) -> VerifiedGraph {
    let mut graph = Graph::new("member");
    for node in ensemble.nodes() {
        graph.add(node.name.clone(), node.op.clone(), &node.inputs).unwrap();
    }
    graph.output(ensemble.node(ensemble.outputs()[0]).inputs[number]);
    let own = graph.verify().unwrap();
    let mut graph = Graph::new("member");
    for node in own.nodes() {
        graph.add(place(&node.name), node.op.clone(), &node.inputs).unwrap();
    }
    graph.output(own.outputs()[0]);
    graph.verify().unwrap()
}

/// The genotype of a member on its own.
fn genes_of(ensembles: &Space, genotype: &Genotype, number: usize) -> Genotype {
    let prefix = format!("member{number}.");
    let values = ensembles.values(genotype).unwrap().into_iter();
    let own =
        values.filter_map(|(path, value)| Some((path.strip_prefix(&prefix)?.to_owned(), value.to_string())));
    ensembles.base().with_values(own).unwrap()
}

fn names(graph: &VerifiedGraph) -> BTreeSet<&str> {
    graph.nodes().iter().map(|node| node.name.as_str()).collect()
}

fn is_layer(graph: &VerifiedGraph, node: usize) -> bool {
    graph.params_of(NodeId(node)).iter().any(|param| param.role == Role::Weight)
}

#[test]
fn shared_layers_are_counted_once() {
    let space = preset("mlp", &Context::table(6, 2)).unwrap();
    let ensembles = space.ensemble(3).unwrap();
    let layers = [6 * 16, 16 * 24, 24 * 32, 32 * 2];
    let genes =
        "hidden=3 hidden[0].width=16 hidden[1].width=24 hidden[2].width=32 residual=false dropout=0.0";
    let all = |member: usize| genes.split(' ').map(move |gene| format!("member{member}.{gene}"));
    let members: Vec<String> = (0..3).flat_map(all).collect();
    // The share of three layers, rounded.
    for (share, depth) in [(0.0, 0), (0.25, 1), (0.5, 2), (0.75, 2), (0.875, 3), (1.0, 3)] {
        let graph = of_text(&ensembles, &format!("shared={share:?} {}", members.join(" ")));
        let (trunk, heads): (&[u64], &[u64]) = layers.split_at(depth);
        let expected = trunk.iter().sum::<u64>() + 3 * heads.iter().sum::<u64>();
        assert_eq!(graph.macs(), expected, "{share}\n{}", graph.to_text());
    }
}

#[test]
fn at_depth_zero_nothing_trained_is_shared() {
    for space in spaces() {
        let ensembles = space.ensemble(2).unwrap();
        let mut rng = Rng::seed_from_u64(4);
        for _ in 0..20 {
            let drawn = ensembles.describe(&ensembles.sample(&mut rng)).unwrap();
            let (_, rest) = drawn.split_once(' ').unwrap();
            let genotype = ensembles.parse(&format!("shared=0.0 {rest}")).unwrap();
            let graph = lowered(&ensembles, &genotype);
            let alone = [0, 1].map(|i| lowered(&space, &genes_of(&ensembles, &genotype, i)));
            assert_eq!(graph.macs(), alone[0].macs() + alone[1].macs());
            assert_eq!(graph.params(), alone[0].params() + alone[1].params());
            for (i, own) in alone.iter().enumerate() {
                let member = member(&graph, i);
                assert_eq!((names(&member), member.canonical_hash()), (names(own), own.canonical_hash()));
            }
        }
    }
}

#[test]
fn members_have_their_own_genes_where_the_trunk_allows_it() {
    let space = preset("conv1d", &Context::series(40, 1, 10)).unwrap();
    let ensembles = space.ensemble(2).unwrap();
    let other = "stem.kernel=15 stage3.width=64 stage3.blocks=2 activation=silu head=max";
    let other: Vec<String> = other.split(' ').map(|gene| format!("member1.{gene}")).collect();
    let at = |share: &str| member(&of_text(&ensembles, &format!("shared={share} {}", other.join(" "))), 1);
    let same = |graph: VerifiedGraph, genes: &str| {
        let expected = of_text(&space, genes);
        assert_eq!(graph.canonical_hash(), expected.canonical_hash(), "{genes}\n{}", graph.to_text());
    };
    same(at("0.0"), "stem.kernel=15 stage3.width=64 stage3.blocks=2 activation=silu head=max");
    // The first convolution is shared; what follows may have another activation.
    same(at("0.125"), "stage3.width=64 stage3.blocks=2 activation=silu head=max");
    same(at("0.5"), "stage3.width=64 stage3.blocks=2 head=max");
    // Blocks after the trunk are no part of it.
    same(at("1.0"), "stage3.blocks=2 head=max");
}

#[test]
fn ensembles_of_one_are_the_networks_and_others_are_refused() {
    let space = preset("cell", &Context::series(40, 1, 10)).unwrap();
    let one = space.ensemble(1).unwrap();
    assert_eq!((one.name(), one.count()), (space.name(), space.count()));
    assert_eq!((space.base().name(), space.in_members("width=8")), ("cell", vec!["width=8".to_owned()]));
    let refused = |space: &Space, members: usize, words: &str| {
        let message = space.ensemble(members).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    };
    refused(&space, 0, "expected 1 to 8 members, got 0");
    refused(&space, 9, "expected 1 to 8 members, got 9");
    refused(&space.only([space.default_genotype()]).unwrap(), 2, "not restricted");
    refused(&space.ensemble(2).unwrap(), 2, "no ensemble itself");
}

#[test]
fn options_are_left_out_of_all_members_and_shared_layers_keep_theirs() {
    let space = preset("cell", &Context::series(40, 1, 10)).unwrap();
    let ensembles = space.ensemble(2).unwrap();
    assert_eq!(ensembles.base().name(), "cell");
    assert_eq!(ensembles.count(), space.count().map(|count| 9 * count * count));
    let without = ensembles.without(&ensembles.in_members("width=4")).unwrap();
    assert_eq!(without.count(), space.count().map(|count| 9 * (count * 5 / 6).pow(2)));
    assert_eq!(without.base().name(), "cell");
    // Only the second member lacks the width of the first, which the first layer has for both.
    let second = ensembles.without(&["member1.width=4"]).unwrap();
    let graph = of_text(&second, "shared=0.25 member0.width=4 member1.width=12");
    assert_eq!(member(&graph, 1).params(), of_text(&space, "width=4").params());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn ensembles_are_networks_that_share_a_trunk(seed in any::<u64>(), members in 2usize..5) {
        let mut rng = Rng::seed_from_u64(seed);
        for space in spaces() {
            let ensembles = space.ensemble(members).unwrap();
            let genotype = ensembles.sample(&mut rng);
            let graph = lowered(&ensembles, &genotype);
            let first = lowered(&space, &genes_of(&ensembles, &genotype, 0));
            prop_assert_eq!(graph.fact(graph.outputs()[0]), first.fact(first.outputs()[0]));
            let again = nasmyth_graph::parse(&graph.to_text()).unwrap();
            prop_assert_eq!(again.canonical_hash(), graph.canonical_hash());
            let networks: Vec<_> = (0..members).map(|i| member(&graph, i)).collect();
            prop_assert_eq!(networks[0].canonical_hash(), first.canonical_hash());
            // What belongs to no member is in the first, and counts once.
            let shared: u64 = (0..graph.nodes().len())
                .filter(|&i| place(&graph.nodes()[i].name) == graph.nodes()[i].name)
                .map(|i| graph.node(NodeId(i)).op.macs(&graph.input_facts(NodeId(i)), graph.fact(NodeId(i))))
                .sum();
            let all: u64 = networks.iter().map(|network| network.macs()).sum();
            prop_assert_eq!(graph.macs(), all - (members as u64 - 1) * shared);
            // All members have its layers.
            for (i, node) in graph.nodes().iter().enumerate().filter(|(i, _)| is_layer(&graph, *i)) {
                let own = place(&node.name) != node.name;
                prop_assert!(own || networks.iter().all(|network| names(network).contains(&*node.name)), "{i}");
            }
        }
    }
}
