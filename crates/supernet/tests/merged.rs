//! Any space as a super-network: what is mixed, and that it is what the space itself lowers.

mod by_hand;

use by_hand::CellSpace;
use nasmyth_engine::{Engine, ParamLayout, ParamStore, initialize};
use nasmyth_graph::passes::simplify;
use nasmyth_space::spaces::cell::{Skeleton, in_skeleton, stem_stride};
use nasmyth_space::{Context, Rng, Space, preset};
use nasmyth_supernet::relaxed::{
    Choice, Form, Kept, MergedSpace, RelaxedGraph, RelaxedSpace, Term, all_options,
};
use nasmyth_train::predict;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

fn spaces() -> Vec<Space> {
    let (series, image) = (Context::series(40, 1, 10), Context::image(12, 12, 1, 10));
    let table = Context::table(6, 3).with_categories(&[4]);
    let presets = [("cell", &series), ("conv1d", &series), ("mobile", &image), ("mlp", &table)];
    presets.map(|(name, context)| preset(name, context).unwrap()).into()
}

/// Outputs for two made-up samples, with weights that are a function of place, shape and operator, and `count` for each term of a mixture.
fn outputs(relaxed: &RelaxedGraph, count: impl Fn(Term) -> f32) -> Vec<f32> {
    let graph = &relaxed.graph;
    let layout = Arc::new(ParamLayout::of(graph));
    let params = ParamStore::filled(layout, |_, entry, values| {
        if let Some(mixture) = relaxed.mixtures.iter().find(|m| m.key == entry.key) {
            values.iter_mut().zip(&mixture.terms).for_each(|(v, &term)| *v = count(term));
            return;
        }
        let (node, tensor) = entry.key.rsplit_once('.').unwrap();
        let place = relaxed.places.get(node).map_or(node, String::as_str);
        let own = graph.nodes().iter().find(|n| n.name == node).unwrap();
        let address = format!("{place}.{tensor} {:?} {}", entry.shape, own.op.attributes());
        initialize(&entry.init, xxh3_64(address.as_bytes()), values);
    });
    let width = graph.fact(graph.input_id()).len();
    let sample = |i: usize, x: &mut [f32]| {
        // Small whole numbers, which categories can be too.
        x.iter_mut().enumerate().for_each(|(k, x)| *x = ((i * width + 7 * k) % 4) as f32);
    };
    predict(graph, &params, 2, &Engine::cpu(1), sample).unwrap()
}

fn near(a: &[f32], b: &[f32]) -> bool {
    let size = b.iter().fold(1.0f32, |size, b| size.max(b.abs()));
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4 * size)
}

#[test]
fn decided_networks_are_those_of_the_space_to_the_output() {
    let mut rng = Rng::seed_from_u64(7);
    for space in spaces() {
        let merged = MergedSpace::new(&space).unwrap();
        for _ in 0..8 {
            let drawn: Vec<usize> =
                merged.drawn().iter().map(|d| rng.random_range(0..d.options.len())).collect();
            let options: Vec<usize> =
                merged.choices().iter().map(|c| rng.random_range(0..c.options.len())).collect();
            let genotype = merged.genotype(&drawn, &options);
            let graph = space.lower(&genotype).unwrap().verify().unwrap();
            let alone = RelaxedGraph {
                graph,
                mixtures: vec![],
                kernels: vec![],
                fixed: vec![],
                places: BTreeMap::new(),
            };
            let expected = outputs(&alone, |_| 1.0);
            let decided =
                merged.relaxed(&drawn, &options.iter().map(|&o| vec![o]).collect(), Form::WHOLE).unwrap();
            let macs = |relaxed: &RelaxedGraph| simplify(&relaxed.graph).macs();
            assert_eq!(macs(&decided), macs(&alone), "{} {genotype}", space.name());
            assert!(near(&outputs(&decided, |_| 1.0), &expected), "{} {genotype}", space.name());
            // The whole super-network with all of the weight on these options is the same network too.
            let whole = merged.relaxed(&drawn, &all_options(merged.choices()), Form::WHOLE).unwrap();
            let one_hot = |term| match term {
                Term::Option { choice, option } => f32::from(u8::from(options[choice] == option)),
                Term::Bypass { .. } => 1.0,
            };
            assert!(near(&outputs(&whole, one_hot), &expected), "{} {genotype}", space.name());
        }
    }
}

#[test]
fn the_cell_space_made_by_hand_is_the_merged_one() {
    let context = Context::series(40, 1, 10);
    let skeleton = Skeleton { width: 4, cells: 1, stride: stem_stride(&context) };
    let merged = MergedSpace::new(&in_skeleton(&context, skeleton).unwrap()).unwrap();
    let by_hand = CellSpace::new(context, 4, 1);
    assert!(merged.drawn().is_empty());
    // What only one edge leads to is no sum in a network.
    let named = |c: &Choice| Choice {
        name: format!("cell.{}", c.name),
        sum: c.sum.filter(|_| c.to > 1),
        ..c.clone()
    };
    assert_eq!(merged.choices(), by_hand.choices().iter().map(named).collect::<Vec<_>>());
    let mut rng = Rng::seed_from_u64(3);
    let all = all_options(merged.choices());
    let some: Kept = all.iter().map(|o| vec![o[rng.random_range(0..4)], o[4]]).collect();
    for (kept, partial) in [(&all, 1), (&some, 1), (&all, 2), (&some, 4)] {
        let graphs = [&merged as &dyn RelaxedSpace, &by_hand]
            .map(|s| s.relaxed(&[], kept, Form { partial, ..Form::WHOLE }).unwrap());
        let [a, b] = [0, 1].map(|i| simplify(&graphs[i].graph).canonical_hash());
        assert_eq!(a, b);
        let count = |term| match term {
            Term::Option { choice, option } => ((choice * 5 + option) as f32).sin(),
            Term::Bypass { .. } => 1.0,
        };
        assert!(near(&outputs(&graphs[0], count), &outputs(&graphs[1], count)));
        let sorted = |graph: &RelaxedGraph| {
            let mut fixed = graph.fixed.clone();
            fixed.sort_unstable();
            fixed
        };
        assert_eq!(sorted(&graphs[0]), sorted(&graphs[1]));
    }
}

#[test]
fn operators_are_mixed_and_sizes_are_drawn() {
    let split = |space: &Space| {
        let merged = MergedSpace::new(space).unwrap();
        let mixed: Vec<String> = merged.choices().iter().map(|c| c.name.clone()).collect();
        let drawn: Vec<String> = merged.drawn().iter().map(|d| d.name.clone()).collect();
        assert_eq!(mixed.len() + drawn.len(), space.genes().count());
        (mixed, drawn)
    };
    let [cell, conv1d, mobile, mlp] = &spaces()[..] else { unreachable!() };
    let (mixed, drawn) = split(cell);
    let edges = ["node1-0", "node2-0", "node2-1", "node3-0", "node3-1", "node3-2"];
    assert!(edges.iter().all(|edge| mixed.contains(&format!("cell.{edge}"))), "{mixed:?}");
    assert_eq!(drawn, ["width"]);
    for space in [conv1d, mobile] {
        let (mixed, drawn) = split(space);
        let ends = |end: &str, names: &[String]| names.iter().filter(|name| name.ends_with(end)).count();
        assert!(ends(".op", &mixed) >= 6 && ends(".op", &drawn) == 0, "{mixed:?}");
        assert!(ends(".blocks", &mixed) >= 2 && ends(".kernel", &mixed) >= 6, "{mixed:?}");
        assert!(ends(".width", &mixed) == 0 && ends(".width", &drawn) >= 3, "{drawn:?}");
    }
    let (mixed, drawn) = split(mlp);
    assert_eq!(mixed, ["hidden"]);
    assert!(drawn.contains(&"hidden[0].width".to_owned()), "{drawn:?}");
}
