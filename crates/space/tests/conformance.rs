//! What every space must keep: all presets, spaces from files, and spaces written in Rust.

use nasmyth_graph::ops::{Activation, Function, Linear};
use nasmyth_space::{Context, Gene, Genotype, Network, PRESETS, Rng, Space, Tree, Value, from_toml};
use rand::SeedableRng;
use std::collections::{BTreeMap, HashSet};

fn contexts() -> Vec<Context> {
    vec![
        Context::image(28, 28, 1, 10),
        Context::image(32, 48, 3, 100),
        Context::series(40, 1, 10),
        Context::series(300, 6, 3).with_regression(),
        Context::table(14, 2).with_categories(&[9, 16, 7]),
        Context::table(8, 1).with_regression(),
    ]
}

/// The TOML blocks of the language's documentation.
fn documented() -> Vec<String> {
    let text = include_str!("../SPACE_LANGUAGE.md");
    let blocks = text.split("```toml\n").skip(1);
    blocks.map(|b| b.split("```").next().unwrap_or_default().to_owned()).collect()
}

fn written_in_rust() -> Space {
    let context = Context::table(4, 3);
    let layer = Tree::group([
        Tree::int("width", 4..=12, 4),
        Tree::one_of("act", [("relu", Tree::nothing()), ("dropout", Tree::float("rate", 0.1..=0.3, 2))]),
    ]);
    let tree = Tree::group([Tree::repeat("hidden", 0..=2, layer).default(1), Tree::choice("last", [3])]);
    Space::new("rust", "", tree, move |genes| {
        let mut net = Network::begin("rust", &context)?;
        for layer in genes.repeat("hidden")? {
            net.push(Linear::new(layer.size("width")?))?;
            let (act, inner) = layer.branch("act")?;
            if act == "relu" {
                net.push(Activation(Function::Relu))?;
            } else {
                net.push(nasmyth_graph::ops::Dropout { rate: inner.float("rate")? })?;
            }
        }
        assert_eq!(genes.size("last")?, 3);
        net.finish()
    })
    .unwrap()
}

fn spaces() -> Vec<(Space, usize)> {
    let mut all = vec![(written_in_rust(), 3)];
    for context in contexts() {
        let fitting: Vec<Space> = PRESETS.iter().filter_map(|p| (p.build)(&context).ok()).collect();
        all.extend(fitting.iter().map(|space| (space.ensemble(2).unwrap(), context.outputs)));
        all.extend(fitting.into_iter().map(|space| (space, context.outputs)));
    }
    for text in documented() {
        let fitting = contexts().into_iter().filter_map(|c| Some((from_toml(&text, &c).ok()?, c.outputs)));
        let fitting: Vec<_> = fitting.collect();
        assert!(!fitting.is_empty(), "no data fits\n{text}");
        all.extend(fitting);
    }
    all
}

fn each_space(check: impl Fn(&Space, usize, &mut Rng)) {
    for (space, outputs) in spaces() {
        check(&space, outputs, &mut Rng::seed_from_u64(7));
    }
}

fn values(space: &Space, g: &Genotype) -> BTreeMap<String, String> {
    space.values(g).unwrap().into_iter().map(|(p, v)| (p, v.to_string())).collect()
}

/// Paths whose value differs where both have the gene.
fn changed(space: &Space, a: &Genotype, b: &Genotype) -> Vec<String> {
    let (a, b) = (values(space, a), values(space, b));
    a.iter().filter(|(path, v)| b.get(*path).is_some_and(|w| w != *v)).map(|(path, _)| path.clone()).collect()
}

#[test]
fn every_genotype_lowers_to_a_network_with_the_right_answer() {
    each_space(|space, outputs, rng| {
        let mut g = space.default_genotype();
        for _ in 0..60 {
            let graph = space.lower(&g).unwrap().verify().unwrap();
            assert_eq!(graph.fact(graph.outputs()[0]).shape(), [outputs], "{}", space.name());
            let child = space.crossover(&g, &space.sample(rng), rng);
            space.validate(&child).unwrap();
            g = space.mutate(&child, rng);
        }
    });
}

#[test]
fn every_neighbour_of_the_default_lowers() {
    each_space(|space, _, _| {
        for g in space.neighbours(&space.default_genotype()) {
            space.lower(&g).unwrap().verify().unwrap();
        }
    });
}

#[test]
fn a_mutation_changes_exactly_one_gene() {
    each_space(|space, _, rng| {
        for _ in 0..100 {
            let parent = space.sample(rng);
            let child = space.mutate(&parent, rng);
            assert_ne!(parent, child);
            assert_eq!(changed(space, &parent, &child).len(), 1, "{}", space.name());
        }
    });
}

#[test]
fn crossover_takes_every_gene_from_a_parent() {
    each_space(|space, _, rng| {
        for _ in 0..50 {
            let (a, b) = (space.sample(rng), space.sample(rng));
            let child = space.crossover(&a, &b, rng);
            let (va, vb) = (values(space, &a), values(space, &b));
            for (path, value) in values(space, &child) {
                assert!(va.get(&path) == Some(&value) || vb.get(&path) == Some(&value), "{path}");
            }
            assert_eq!(space.crossover(&a, &a, rng), a);
        }
    });
}

#[test]
fn neighbours_are_one_gene_away_distinct_and_symmetric_up_to_defaults() {
    each_space(|space, _, rng| {
        let g = space.sample(rng);
        let all = space.neighbours(&g);
        let distinct: HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(!distinct.contains(&g));
        for n in all.iter().take(80) {
            space.validate(n).unwrap();
            let change = changed(space, &g, n);
            assert_eq!(change.len(), 1);
            // The way back: the old value of the gene, defaults for what it brings back.
            let (old, new) = (values(space, &g), values(space, n));
            let mut pairs: Vec<String> = Vec::new();
            for (path, value) in &old {
                if *path == change[0] || new.contains_key(path) {
                    pairs.push(format!("{path}={value}"));
                }
            }
            let back = space.parse(&pairs.join(" ")).unwrap();
            assert!(space.neighbours(n).contains(&back), "{}: {}", space.name(), change[0]);
        }
    });
}

#[test]
fn a_complete_small_neighbourhood() {
    let space = written_in_rust();
    let g = space
        .parse("hidden=1 hidden[0].width=8 hidden[0].act=dropout hidden[0].act.dropout.rate=0.2")
        .unwrap();
    let mut all: Vec<String> = space.neighbours(&g).iter().map(|n| space.describe(n).unwrap()).collect();
    all.sort();
    let mut expected = vec![
        "hidden=0",
        "hidden=2 hidden[0].width=8 hidden[0].act=dropout hidden[0].act.dropout.rate=0.2 hidden[1].width=4 hidden[1].act=relu",
        "hidden=1 hidden[0].width=4 hidden[0].act=dropout hidden[0].act.dropout.rate=0.2",
        "hidden=1 hidden[0].width=12 hidden[0].act=dropout hidden[0].act.dropout.rate=0.2",
        "hidden=1 hidden[0].width=8 hidden[0].act=relu",
        "hidden=1 hidden[0].width=8 hidden[0].act=dropout hidden[0].act.dropout.rate=0.1",
        "hidden=1 hidden[0].width=8 hidden[0].act=dropout hidden[0].act.dropout.rate=0.3",
    ];
    expected.sort_unstable();
    assert_eq!(all, expected);
}

#[test]
fn small_spaces_enumerate_to_exactly_their_count_and_encode_injectively() {
    each_space(|space, _, _| {
        let Some(count @ 0..=40_000) = space.count() else { return };
        let all: Vec<Genotype> = space.enumerate().collect();
        assert_eq!(all.len() as u128, count, "{}", space.name());
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert!(all.windows(2).all(|w| w[0] < w[1]), "enumeration is in order");
        let codes: HashSet<Vec<u32>> =
            all.iter().map(|g| space.encode(g).into_iter().map(f32::to_bits).collect()).collect();
        assert_eq!(codes.len(), all.len(), "{}", space.name());
        all.iter().step_by(97).for_each(|g| space.validate(g).unwrap());
    });
    let rust = written_in_rust();
    // A layer has 3 widths and relu or one of 3 rates.
    assert_eq!(rust.count(), Some(1 + 12 + 144));
}

#[test]
fn enumeration_is_lazy_on_large_spaces() {
    each_space(|space, _, _| {
        let first: Vec<Genotype> = space.enumerate().take(50).collect();
        first.iter().for_each(|g| space.validate(g).unwrap());
        assert_eq!(first.iter().collect::<HashSet<_>>().len(), first.len());
    });
}

#[test]
fn text_reads_back_in_both_forms() {
    each_space(|space, _, rng| {
        for _ in 0..50 {
            let g = space.sample(rng);
            assert_eq!(g.to_string().parse::<Genotype>().unwrap(), g);
            assert_eq!(space.parse(&g.to_string()).unwrap(), g);
            assert_eq!(space.parse(&space.describe(&g).unwrap()).unwrap(), g, "{}", space.name());
        }
    });
}

#[test]
fn codes_have_one_length_and_stay_between_0_and_1() {
    each_space(|space, _, rng| {
        for _ in 0..50 {
            let code = space.encode(&space.sample(rng));
            assert_eq!(code.len(), space.encoded_len());
            assert!(code.iter().all(|v| (0.0..=1.0).contains(v)));
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_genotypes() {
    each_space(|space, _, _| {
        let draw = || {
            let mut rng = Rng::seed_from_u64(3);
            let (a, b) = (space.sample(&mut rng), space.sample(&mut rng));
            let child = space.crossover(&a, &b, &mut rng);
            space.mutate(&child, &mut rng)
        };
        assert_eq!(draw(), draw());
    });
}

#[test]
fn genotypes_of_another_space_are_errors_or_repaired_but_never_a_panic() {
    let all = spaces();
    let mut rng = Rng::seed_from_u64(5);
    for (space, _) in &all {
        for (other, _) in &all {
            let g = other.sample(&mut rng);
            let _ = (space.validate(&g), space.lower(&g), space.describe(&g), space.encode(&g));
            for made in [space.mutate(&g, &mut rng), space.crossover(&g, &g, &mut rng)] {
                space.validate(&made).unwrap();
            }
            let _ = space.neighbours(&g);
        }
        let garbage = Genotype::new([Gene::Index(u32::MAX), Gene::Real(1e300)]);
        assert!(space.lower(&garbage).is_err());
    }
}

#[test]
fn a_space_of_one_element_has_no_other() {
    let context = Context::table(2, 1);
    let tree = Tree::choice("width", [4]);
    let space = Space::new("one", "", tree, move |genes| {
        let mut net = Network::begin("one", &context)?;
        net.push(Linear::new(genes.size("width")?))?;
        net.finish()
    })
    .unwrap();
    let mut rng = Rng::seed_from_u64(0);
    let g = space.sample(&mut rng);
    assert_eq!(
        (space.count(), space.mutate(&g, &mut rng), space.neighbours(&g)),
        (Some(1), g.clone(), vec![])
    );
    assert_eq!(g.to_string(), "-");
    assert_eq!(space.parse("-").unwrap(), g);
    assert!(space.enumerate().eq([g.clone()]));
    assert!(space.encode(&g).is_empty());
    space.lower(&g).unwrap();
}

#[test]
fn a_continuous_space_is_infinite_but_can_be_walked() {
    let tree = Tree::group([Tree::real("x", -1.0..=1.0), Tree::flag("b")]);
    let space = Space::new("real", "", tree, |_| Ok(nasmyth_graph::Graph::new("none"))).unwrap();
    assert_eq!(space.count(), None);
    assert_eq!(space.enumerate().count(), 22);
    let mut rng = Rng::seed_from_u64(1);
    for _ in 0..200 {
        let g = space.sample(&mut rng);
        assert_eq!(space.parse(&g.to_string()).unwrap(), g);
        assert_eq!(space.parse(&space.describe(&g).unwrap()).unwrap(), g);
        assert_ne!(space.mutate(&g, &mut rng), g);
        assert!(space.neighbours(&g).len() >= 3);
        assert!(matches!(space.values(&g).unwrap()[0].1, Value::Float(_)));
    }
}
