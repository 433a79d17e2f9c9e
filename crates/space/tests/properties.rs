//! Invariants over random data, random text and random files.

use nasmyth_space::{Context, Genotype, PRESETS, Rng, Space, Tree, from_toml};
use proptest::prelude::*;
use rand::SeedableRng;

fn images() -> impl Strategy<Value = Context> {
    let side = || prop_oneof![1usize..12, 12usize..70, Just(224)];
    (side(), side(), 1usize..6, 1usize..1000).prop_map(|(h, w, c, k)| Context::image(h, w, c, k))
}

fn series() -> impl Strategy<Value = Context> {
    let steps = prop_oneof![1usize..12, 12usize..300, 300usize..3200];
    (steps, 1usize..24, 1usize..1000).prop_map(|(t, c, k)| Context::series(t, c, k))
}

fn tables() -> impl Strategy<Value = Context> {
    let categories = prop::collection::vec(1usize..2000, 0..20);
    (0usize..40, categories, 1usize..1000).prop_map(|(numbers, categories, k)| {
        let features = (numbers + categories.len()).max(1);
        Context::table(features, k).with_categories(&categories)
    })
}

fn contexts() -> impl Strategy<Value = Context> {
    (prop_oneof![images(), series(), tables()], any::<bool>())
        .prop_map(|(context, regression)| Context { regression, ..context })
}

fn answers(space: &Space, g: &Genotype, context: &Context) {
    space.validate(g).unwrap();
    let graph = space.lower(g).unwrap().verify().unwrap();
    assert_eq!(graph.fact(graph.outputs()[0]).shape(), [context.outputs]);
    assert_eq!(graph.fact(graph.input_id()).shape(), &context.input[..]);
    let last = graph.node(graph.outputs()[0]).op.kind();
    assert_eq!(last, if context.regression { "standardize" } else { "linear" });
    assert_eq!(space.encode(g).len(), space.encoded_len());
}

fn documented() -> Vec<&'static str> {
    let text = include_str!("../SPACE_LANGUAGE.md");
    text.split("```toml\n").skip(1).filter_map(|b| b.split("```").next()).collect()
}

/// Replaces one value of a file, counted through all nested tables and lists, or removes it.
fn damage(value: &mut toml::Value, countdown: &mut usize, piece: Option<&toml::Value>) -> bool {
    let mut hit = |v: &mut toml::Value| {
        if *countdown > 0 {
            *countdown -= 1;
            return damage(v, countdown, piece);
        }
        match piece {
            Some(piece) => *v = piece.clone(),
            None => return true,
        }
        *countdown = usize::MAX;
        false
    };
    match value {
        toml::Value::Array(list) => {
            if let Some(i) = (0..list.len()).find(|&i| hit(&mut list[i])) {
                list.remove(i);
                *countdown = usize::MAX;
            }
        }
        toml::Value::Table(table) => {
            let removed = table.iter_mut().find_map(|(k, v)| hit(v).then(|| k.clone()));
            if let Some(key) = removed {
                table.remove(&key);
                *countdown = usize::MAX;
            }
        }
        _ => {}
    }
    false
}

/// A random tree of bounded depth.
fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        (1i64..4).prop_map(|n| Tree::choice("c", 0..n)),
        (0i64..3, 1i64..3).prop_map(|(n, step)| Tree::int("i", -n..=n, step)),
        (1u32..4).prop_map(|steps| Tree::float("f", -0.5..=0.5, steps)),
        Just(Tree::nothing()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let named = prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| {
            Tree::group(parts.into_iter().enumerate().map(|(i, t)| Tree::scope(format!("s{i}"), t)))
        });
        let sum = prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| {
            Tree::one_of("o", parts.into_iter().enumerate().map(|(i, t)| (format!("p{i}"), t)))
        });
        let repeat = (0usize..3, 0usize..2, inner)
            .prop_map(|(low, more, body)| Tree::repeat("r", low..=low + more, body));
        prop_oneof![named, sum, repeat]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_genotype_of_every_preset_fits_any_data(context in contexts(), seed: u64) {
        let mut rng = Rng::seed_from_u64(seed);
        let mut fitting = 0;
        for preset in PRESETS {
            let Ok(space) = (preset.build)(&context) else { continue };
            fitting += 1;
            let mut g = space.default_genotype();
            for _ in 0..6 {
                answers(&space, &g, &context);
                let sample = space.sample(&mut rng);
                answers(&space, &sample, &context);
                let child = space.crossover(&g, &sample, &mut rng);
                answers(&space, &child, &context);
                g = space.mutate(&child, &mut rng);
            }
        }
        prop_assert!(fitting >= 1);
    }

    #[test]
    fn random_trees_count_what_they_enumerate(tree in trees(), seed: u64) {
        let space = Space::new("random", "", tree, |_| Ok(nasmyth_graph::Graph::new("none"))).unwrap();
        let count = space.count().unwrap();
        let all: Vec<Genotype> = space.enumerate().take(3000).collect();
        prop_assert_eq!(all.len() as u128, count.min(3000));
        prop_assert!(all.windows(2).all(|w| w[0] < w[1]));
        let mut rng = Rng::seed_from_u64(seed);
        for _ in 0..5 {
            let (a, b) = (space.sample(&mut rng), space.sample(&mut rng));
            let (mutant, child) = (space.mutate(&a, &mut rng), space.crossover(&a, &b, &mut rng));
            prop_assert_eq!(mutant != a, count > 1);
            for g in [&a, &mutant, &child] {
                space.validate(g).unwrap();
                if count <= 3000 {
                    prop_assert!(all.binary_search(g).is_ok());
                }
                prop_assert_eq!(&space.parse(&space.describe(g).unwrap()).unwrap_or_else(|_| g.clone()), g);
            }
            let neighbours = space.neighbours(&a);
            prop_assert!(neighbours.iter().all(|n| *n != a && space.validate(n).is_ok()));
        }
    }

    #[test]
    fn garbage_is_no_genotype_and_no_panic(text in "([0-9]{1,12}|-|_|\\.|e|=|[a-z]+[0-9]?|stem|width|\\PC){0,20}") {
        let space = nasmyth_space::preset("mobile", &Context::image(28, 28, 1, 10)).unwrap();
        let _ = text.parse::<Genotype>().map(|g| space.mutate(&g, &mut Rng::seed_from_u64(0)));
        let _ = space.parse(&text);
        let _ = nasmyth_space::spaces::cell::parse_cell(&text);
    }

    #[test]
    fn garbage_is_no_file_and_no_panic(text in "(name|layer|op|=|\\[\\[layer\\]\\]|\\[|\\]|\\{|\\}|\"conv\"|,|[0-9]{1,20}|\n| |body|out|int|choice|-|\\.|\\PC){0,60}") {
        let _ = from_toml(&text, &Context::image(8, 8, 1, 2));
    }

    #[test]
    fn damaged_files_are_errors_or_spaces_but_never_a_panic(
        file in 0usize..16,
        edits in prop::collection::vec((0usize..120, any::<prop::sample::Index>()), 1..4),
        context in contexts(),
    ) {
        const PIECES: [&str; 24] = [
            "0", "1", "3", "-1", "0.5", "1e308", "nan", "inf", "9223372036854775807", "70000", "true", "\"relu\"", "\"\"", "[]",
            "{}", "[[]]", "{ choice = [] }", "{ choice = [1, 2, 3] }", "{ int = [0, 9223372036854775807] }",
            "{ int = [1, 3] }", "{ float = [0.0, 0.5] }", "{ shared = \"width\", times = 1000 }",
            "[{ op = \"conv\", out = 8 }]", "1979-05-27",
        ];
        let files = documented();
        let table: toml::Table = files[file % files.len()].parse().unwrap();
        let mut value = toml::Value::Table(table);
        for (mut place, piece) in edits {
            // One index past the pieces removes the value.
            let piece = PIECES.get(piece.index(PIECES.len() + 1)).map(|p| {
                let holder: toml::Table = format!("x = {p}").parse().unwrap();
                holder["x"].clone()
            });
            damage(&mut value, &mut place, piece.as_ref());
        }
        if let Ok(space) = from_toml(&toml::to_string(&value).unwrap(), &context) {
            let mut rng = Rng::seed_from_u64(1);
            let _ = space.lower(&space.sample(&mut rng));
        }
    }
}
