//! What every family must keep.

use nasmyth_space::{Context, Rng};
use nasmyth_zoo::{Data, FAMILIES, Input, Number, Numbers, ZooError, member, members, space};
use rand::SeedableRng;
use std::collections::HashSet;

#[test]
fn names_are_unique_and_numbers_read_back() {
    let mut names = HashSet::new();
    for family in FAMILIES {
        assert!(names.insert(family.name), "{} twice", family.name);
        assert!(!family.members.is_empty(), "{} has no member", family.name);
        assert!(!family.doc.is_empty() && !family.paper.is_empty(), "{}", family.name);
        let mut knobs = HashSet::new();
        assert!(family.knobs.iter().all(|k| knobs.insert(k.name) && !k.doc.is_empty()), "{}", family.name);
    }
    for (family, m) in members() {
        assert!(m.name == family.name || names.insert(m.name), "{} twice", m.name);
        let numbers = member(m.name).unwrap().numbers;
        let again = Numbers::defaults(family).unwrap().with(&numbers.to_string()).unwrap();
        assert_eq!(again, numbers, "{}", m.name);
    }
}

#[test]
fn every_member_is_a_graph_with_the_answers_asked_for() {
    for (family, m) in members() {
        let network = member(m.name).unwrap();
        let graph = network.graph(&Input::default()).unwrap().verify().unwrap();
        let outputs = graph.fact(graph.outputs()[0]);
        match family.data {
            Data::Images => assert_eq!(outputs.shape(), [m.classes], "{}", m.name),
            Data::Pixels => {
                assert_eq!(outputs.shape(), [m.resolution, m.resolution, m.classes], "{}", m.name)
            }
            Data::Tokens => assert_eq!(outputs.shape(), [m.classes], "{}", m.name),
        }
        assert_eq!(nasmyth_graph::parse(&graph.to_text()).unwrap().canonical_hash(), graph.canonical_hash());
        let seven = Input { classes: Some(7), ..Input::default() };
        let graph = network.graph(&seven).unwrap().verify().unwrap();
        assert_eq!(graph.fact(graph.outputs()[0]).channels(), 7, "{}", m.name);
    }
}

#[test]
fn wrong_numbers_name_the_number() {
    for family in FAMILIES {
        for knob in family.knobs {
            for value in ["", "x", "-1000000", "1e9"] {
                let text = format!("{}:{}={value}", family.name, knob.name);
                match member(&text).err() {
                    Some(ZooError::Number { name, .. }) => assert_eq!(name, knob.name),
                    other => panic!("{text}: {other:?}"),
                }
            }
        }
    }
    assert!(
        matches!(member("regnetx:w_0=12").unwrap().graph(&Input::default()), Err(ZooError::Number { name, .. }) if name == "w_0")
    );
    assert!(
        matches!(member("efficientnet:widht=1"), Err(ZooError::UnknownNumber { nearest: Some(n), .. }) if n == "width")
    );
    assert!(matches!(member("efficientnet:width"), Err(ZooError::Syntax(_))));
    assert!(matches!(member("efficientnet_b9"), Err(ZooError::UnknownName { nearest: Some(_), .. })));
}

#[test]
fn an_input_smaller_than_the_strides_is_an_error_that_says_so() {
    for (_, m) in members() {
        for resolution in [0, 1, 3] {
            let input = Input { resolution: Some(resolution), ..Input::default() };
            match member(m.name).unwrap().graph(&input) {
                Err(ZooError::Input { field, .. }) => assert_eq!(field, "resolution", "{}", m.name),
                // Without strides, any size will do.
                Ok(_) => assert!(resolution > 0, "{}", m.name),
                Err(other) => panic!("{} at {resolution}: {other}", m.name),
            }
        }
    }
}

#[test]
fn every_family_of_images_is_a_space_whose_networks_can_be_built() {
    for family in FAMILIES.iter().filter(|f| f.data == Data::Images) {
        for context in
            [Context::image(28, 28, 1, 10), Context::image(32, 32, 3, 100), Context::image(96, 96, 3, 2)]
        {
            let space = space(family.name, &context).unwrap();
            assert!(space.genes().count() > 0, "{} has nothing to search", family.name);
            let mut rng = Rng::seed_from_u64(1);
            let samples = (0..12).map(|_| space.sample(&mut rng));
            for genotype in std::iter::once(space.default_genotype()).chain(samples) {
                let graph = space.lower(&genotype).unwrap_or_else(|e| {
                    panic!("{}: {}: {e}", family.name, space.describe(&genotype).unwrap())
                });
                let graph = graph.verify().unwrap();
                assert_eq!(graph.fact(graph.outputs()[0]).shape(), [context.outputs]);
            }
        }
    }
}

#[test]
fn numbers_print_as_they_are_read() {
    assert_eq!(Number::List(vec![3, 4, 6, 3]).to_string(), "3/4/6/3");
    assert_eq!(Number::Reals(vec![0.5, 2.0]).to_string(), "0.5/2");
}
