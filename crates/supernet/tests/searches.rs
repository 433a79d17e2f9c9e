//! Whole searches on the built-in data, and the super-network that they train.

use nasmyth_data::{Dataset, OpenOptions, open};
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::spaces::cell::{Skeleton, in_skeleton, stem_stride};
use nasmyth_space::{Context, Rng, from_toml, preset};
use nasmyth_supernet::Step;
use nasmyth_supernet::relaxed::{
    Architecture, Bilevel, Budget, Costs, Form, Found, Hypergradient, Kernels, Limit, MergedSpace, Method,
    PUBLISHED, Part, Point, Regulariser, Relaxation, RelaxedSpace, Search, SearchError, Setup, SuperNetwork,
    all_options, method_named, published,
};
use rand::SeedableRng;

fn data() -> Dataset {
    open("builtin:mnist1d", &OpenOptions { valid_fraction: 0.5, ..OpenOptions::default() }).unwrap()
}

fn space() -> MergedSpace<'static> {
    cells(&Context::series(40, 1, 10), 4)
}

/// Cells of NAS-Bench-201's topology, one a stage.
fn cells(context: &Context, width: usize) -> MergedSpace<'static> {
    let skeleton = Skeleton { width, cells: 1, stride: stem_stride(context) };
    MergedSpace::new(&in_skeleton(context, skeleton).unwrap()).unwrap()
}

/// As short as a search can be in which something moves.
fn short(method: &Method, data: &Dataset, (epochs, seed): (usize, u64)) -> Found {
    let budget = Budget { epochs, samples: Some(64), batch: 32, judged: 1, ..Budget::default() };
    let (space, engine) = (space_for(method), Engine::cpu(1));
    let search = Search { method, space: &space, data, engine: &engine, budget, seed };
    search.run(&StopFlag::new(), &mut |_| ()).unwrap()
}

/// Cells, or for methods about kernels, layers that have a choice of those.
fn space_for(method: &Method) -> MergedSpace<'static> {
    const LAYERS: &str = r#"
        name = "kernels"
        [[layer]]
        op = "repeat"
        times = 3
        body = [{ op = "conv", out = 8, kernel = { choice = [3, 5, 7] }, norm = "batch", activation = "relu" }]
    "#;
    match method.kernels {
        Kernels::Apart => space(),
        _ => MergedSpace::new(&from_toml(LAYERS, &Context::series(40, 1, 10)).unwrap()).unwrap(),
    }
}

#[test]
fn every_published_method_decides_every_choice_the_same_way_twice() {
    let data = data();
    for published in PUBLISHED {
        let space = space_for(&published.method);
        let [first, second] = [0, 0].map(|seed| short(&published.method, &data, (3, seed)));
        assert_eq!(first.epochs, second.epochs, "{}", published.name);
        assert_eq!((&first.options, &first.decisions), (&second.options, &second.decisions));
        let mut decided: Vec<usize> = first.decisions.iter().map(|d| d.choice).collect();
        decided.sort_unstable();
        assert_eq!(decided, (0..space.choices().len()).collect::<Vec<_>>(), "{}", published.name);
        assert!(first.decisions.iter().all(|d| d.option == first.options[d.choice]));
        let moved = first.epochs.first().unwrap().probabilities != first.epochs.last().unwrap().probabilities;
        assert_eq!(moved, published.name != "blank-pt", "{}", published.name);
    }
}

#[test]
fn greedy_decisions_come_one_by_one_and_leave_nothing_to_discretise() {
    let found = short(&method_named("sgas", &toml::Table::new()).unwrap(), &data(), (7, 1));
    let epochs: Vec<usize> = found.decisions.iter().map(|d| d.epoch).collect();
    assert!(epochs.is_sorted() && epochs[0] < epochs[5] && epochs[5] == 7, "{epochs:?}");
    assert_eq!(found.relaxed, found.discrete);
    // What is decided stays, and is never "none".
    for d in &found.decisions {
        assert!(found.epochs[d.epoch..].iter().all(|e| e.probabilities[d.choice][d.option] == 1.0));
        assert!(d.option > 0);
    }
}

#[test]
fn the_hard_limit_holds_in_every_epoch() {
    let (data, space) = (data(), space());
    let line = "limit = { polytope = { share = 0.3 } }".parse().unwrap();
    let found = short(&method_named("hardcore", &line).unwrap(), &data, (3, 2));
    let costs = Costs::macs(&space).unwrap();
    assert_eq!(costs, space.costs().unwrap());
    let limit = costs.lowest() + 0.3 * (costs.highest() - costs.lowest());
    for epoch in &found.epochs {
        assert!(costs.expected(&epoch.probabilities) <= limit * (1.0 + 1e-9));
        assert!(epoch.probabilities.iter().all(|p| (p.iter().sum::<f64>() - 1.0).abs() < 1e-9));
    }
}

#[test]
fn networks_that_may_not_be_found_become_improbable_without_a_derivative() {
    let (data, engine, all) = (data(), Engine::cpu(1), space());
    // All skips, all convolutions of 3.
    let ends =
        [1, 3].map(|option| all.relaxed(&[], &vec![vec![option]; 6], Form::WHOLE).unwrap().graph.params());
    let limit = ends[0] + (ends[1] - ends[0]) / 3;
    let small = all.only(move |network: &VerifiedGraph| network.params() <= limit);
    let budget = Budget { epochs: 10, samples: Some(128), batch: 32, judged: 1, ..Budget::default() };
    for name in ["beta-darts", "unas"] {
        let admitted = ["none", "{ refused = { weight = 20.0, draws = 16 } }"].map(|limit| {
            let limit = if limit == "none" { "'none'" } else { limit };
            let method = method_named(name, &format!("limit = {limit}").parse().unwrap()).unwrap();
            let of = |seed| {
                let search =
                    Search { method: &method, space: &small, data: &data, engine: &engine, budget, seed };
                let found = search.run(&StopFlag::new(), &mut |_| ()).unwrap();
                small.admits(&found.drawn, &found.options)
            };
            (0..3).filter(|&seed| of(seed)).count()
        });
        assert!(admitted[1] == 3 && admitted[0] < 3, "{name}: {admitted:?} of 3");
    }
}

#[test]
fn the_gap_between_both_parts_counts_as_the_paper_says() {
    let (data, engine, space) = (data(), Engine::cpu(1), space());
    let of = |regulariser| {
        let mut network = network(&space, &data, &engine, (1, regulariser));
        let kept = all_options(space.choices());
        let alphas = alphas(network.architecture().len());
        network.advance(&kept, &[], &alphas, (1.0, 0.5), &mut Rng::seed_from_u64(5)).unwrap();
        let weights = network.weights(false);
        [Part::Valid, Part::Train].map(|part| network.gradient(part, &weights, &alphas).unwrap())
    };
    let [valid, train] = of(Regulariser::None);
    let [gap, _] = of(Regulariser::Gap { weight: 0.5 });
    let sign = 0.5 * (valid.loss - train.loss).signum();
    let expected = |v: f64, t: f64| v + sign * (v - t);
    assert!((gap.loss - expected(valid.loss, train.loss)).abs() < 1e-9);
    for ((g, v), t) in gap.alphas.iter().zip(&valid.alphas).zip(&train.alphas) {
        assert!((g - expected(*v, *t)).abs() < 1e-9);
    }
    for ((g, v), t) in gap.weights.iter().zip(&valid.weights).zip(&train.weights) {
        assert!((f64::from(*g) - expected((*v).into(), (*t).into())).abs() < 1e-5);
    }
}

#[test]
fn a_growing_network_stays_within_memory_that_the_whole_one_breaks() {
    let (data, engine) = (data(), Engine::cpu(1));
    let space = cells(&Context::series(40, 1, 10), 16);
    let run = |name: &str, memory: u64| {
        let budget = Budget { epochs: 6, samples: Some(512), batch: 256, judged: 1, ..Budget::default() };
        let budget = Budget { memory: Some(memory), ..budget };
        let method = &published(name).unwrap().method;
        let search = Search { method, space: &space, data: &data, engine: &engine, budget, seed: 0 };
        search.run(&StopFlag::new(), &mut |_| ())
    };
    let Err(SearchError::Memory { needed, share }) = run("darts", 1) else { panic!("a large network") };
    assert_eq!(share, 1 << 20);
    let found = run("spidernet", (needed >> 20) / 2).unwrap();
    assert_eq!(found.decisions.len(), space.choices().len());
    let open = |p: &Vec<f64>| p.iter().filter(|p| **p > 0.0).count();
    let most: usize = found.epochs.iter().map(|e| e.probabilities.iter().map(open).sum()).max().unwrap();
    let all: usize = space.choices().iter().map(|c| c.options.len()).sum();
    assert!(space.choices().len() < most && most < all, "{most} of {all} options");
}

#[test]
fn a_stopped_search_says_so() {
    let (data, space, stop) = (data(), space(), StopFlag::new());
    stop.raise();
    let method = &PUBLISHED[0].method;
    let budget = Budget { samples: Some(64), ..Budget::default() };
    let engine = Engine::cpu(1);
    let search = Search { method, space: &space, data: &data, engine: &engine, budget, seed: 0 };
    let end = search.run(&stop, &mut |_| ());
    assert!(matches!(end, Err(SearchError::Interrupted)));
}

#[test]
fn data_that_does_not_fit_is_refused() {
    let (engine, method) = (Engine::cpu(1), &PUBLISHED[0].method);
    let end = |space: &MergedSpace<'_>, data: &Dataset| {
        let search = Search { method, space, data, engine: &engine, budget: Budget::default(), seed: 0 };
        search.run(&StopFlag::new(), &mut |_| ()).unwrap_err()
    };
    let undivided = OpenOptions { valid_fraction: 0.0, ..OpenOptions::default() };
    let undivided = open("builtin:mnist1d", &undivided).unwrap();
    assert!(matches!(end(&space(), &undivided), SearchError::NoValidation));
    let images = cells(&Context::image(8, 8, 1, 10), 4);
    assert!(matches!(end(&images, &data()), SearchError::Mismatch { .. }));
}

fn network<'a>(
    space: &'a MergedSpace<'a>,
    data: &'a Dataset,
    engine: &'a Engine,
    (partial, regulariser): (usize, Regulariser),
) -> SuperNetwork<'a> {
    let (costs, kept) = (Costs::none(space.choices()), all_options(space.choices()));
    let setup = Setup {
        form: Form { partial, ..Form::WHOLE },
        batch: 32,
        regulariser,
        limit: Limit::None,
        costs,
        kept,
        memory: u64::MAX,
    };
    let architecture = Architecture::new(space.choices(), Relaxation::Softmax, true);
    SuperNetwork::new(space, data, engine, setup, architecture, (0.9, 3)).unwrap()
}

fn alphas(len: usize) -> Vec<f64> {
    (0..len).map(|i| (i as f64 * 1.7).sin()).collect()
}

#[test]
fn gradients_by_the_architecture_are_those_of_finite_differences() {
    let (data, space, engine) = (data(), space(), Engine::cpu(1));
    let regularisers = [Regulariser::Entropy { weight: 0.3 }, Regulariser::BetaDecay { weight: 2.0 }];
    for setup in [(1, regularisers[0]), (2, regularisers[0]), (1, regularisers[1])] {
        let mut network = network(&space, &data, &engine, setup);
        let at = alphas(network.architecture().len());
        network
            .advance(&all_options(space.choices()), &[], &at, (0.8, 0.5), &mut Rng::seed_from_u64(4))
            .unwrap();
        let weights = network.weights(false);
        let exact = network.gradient(Part::Valid, &weights, &at).unwrap();
        // The shorter, the fewer kinks of rectifiers lie between the ends, and the more the rounding of losses counts.
        const STEP: f64 = 5e-4;
        let mut slope = |i: usize| {
            let mut loss = |by: f64| {
                let mut moved = at.clone();
                moved[i] += by;
                network.gradient(Part::Valid, &weights, &moved).unwrap().loss
            };
            (loss(STEP) - loss(-STEP)) / (2.0 * STEP)
        };
        let slopes: Vec<f64> = (0..at.len()).map(&mut slope).collect();
        let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>().sqrt();
        let error = norm(&mut slopes.iter().zip(&exact.alphas).map(|(s, e)| s - e));
        let size = norm(&mut slopes.iter().copied());
        assert!(error < 0.08 * size, "{setup:?}: {error} of {size}");
    }
}

#[test]
fn a_decided_network_is_what_the_mixture_comes_to_and_a_step_moves_its_weights_alone() {
    let (data, space, engine) = (data(), space(), Engine::cpu(1));
    let mut network = network(&space, &data, &engine, (1, Regulariser::None));
    let options = [3, 1, 2, 4, 0, 3];
    let mut at = vec![0.0; network.architecture().len()];
    for (choice, option) in options.into_iter().enumerate() {
        at[network.architecture().logits(choice).start + option] = 1e4;
    }
    let all = all_options(space.choices());
    let decided = options.map(|o| vec![o]).to_vec();
    let mixed = network.judge(&at, (&all, &[]), 4, None).unwrap();
    let discrete = network.judge(&at, (&decided, &[]), 4, None).unwrap();
    assert!((mixed.loss - discrete.loss).abs() < 1e-5 && mixed.accuracy == discrete.accuracy);

    network.advance(&decided, &[], &at, (1.0, 0.0), &mut Rng::seed_from_u64(5)).unwrap();
    let point = Point { weights: network.weights(false), twin: None, alphas: at.clone() };
    let gradient = network.gradient(Part::Train, &point.weights, &at).unwrap();
    assert!(gradient.alphas.iter().take(30).all(|&g| g == 0.0));
    let descent = Hypergradient::FirstOrder.weights(&mut network, &point).unwrap();
    network.descend(&descent, Step { rate: 0.1, weight_decay: 0.0, clip: 0.0 });
    assert_ne!(network.weights(false), point.weights);
    // What is not part of the decided network is as it was.
    network.advance(&all, &[], &at, (1.0, 0.0), &mut Rng::seed_from_u64(5)).unwrap();
    let before = {
        let mut fresh = self::network(&space, &data, &engine, (1, Regulariser::None));
        fresh.advance(&all, &[], &at, (1.0, 0.0), &mut Rng::seed_from_u64(5)).unwrap();
        fresh.weights(false)
    };
    let moved = network.weights(false).iter().zip(&before).filter(|(a, b)| a != b).count();
    assert!(moved > 0 && moved <= point.weights.len());
}

#[test]
fn channels_that_partial_connections_do_not_divide_are_refused() {
    let (data, space, engine) = (data(), space(), Engine::cpu(1));
    // Stages have 4, 8 and 16 channels.
    let method = &Method { partial: 7, ..published("pc-darts").unwrap().method.clone() };
    let search =
        Search { method, space: &space, data: &data, engine: &engine, budget: Budget::default(), seed: 0 };
    let refused = search.run(&StopFlag::new(), &mut |_| ()).unwrap_err();
    assert!(matches!(refused, SearchError::Partial(7)), "{refused}");
}

/// Greedy decisions and a temperature that falls, in a space with a drawn width and a limit.
#[test]
fn a_search_goes_on_from_what_was_saved_to_the_same_end() {
    let space = preset("cell", &Context::series(40, 1, 10)).unwrap();
    let (space, data, engine) = (MergedSpace::new(&space).unwrap(), data(), Engine::cpu(1));
    let space = space.only(|graph| graph.params() <= 6000);
    assert_eq!(space.drawn().len(), 1);
    let settings: toml::Table = "temperature = [2.0, 0.1]".parse().unwrap();
    let method = method_named("sgas", &settings).unwrap();
    let budget = Budget { epochs: 6, samples: Some(128), batch: 32, judged: 2, ..Budget::default() };
    let search = Search { method: &method, space: &space, data: &data, engine: &engine, budget, seed: 3 };
    let (stop, folder) = (StopFlag::new(), tempfile::tempdir().unwrap());
    let whole = search.run(&stop, &mut |_| ()).unwrap();
    for epochs in [1, 4, 6] {
        let path = folder.path().join(format!("{epochs}.bank"));
        let mut first = search.begin().unwrap();
        (0..epochs).for_each(|_| assert!(first.go_on(&stop).unwrap()));
        first.save(&path, "test").unwrap();
        let mut second = search.begin().unwrap();
        assert!(second.restore(&path, "another").is_err());
        second.restore(&path, "test").unwrap();
        while second.go_on(&stop).unwrap() {}
        let found = second.found().unwrap();
        assert_eq!((&found.options, &found.drawn), (&whole.options, &whole.drawn), "after {epochs}");
        assert_eq!((&found.epochs, &found.decisions), (&whole.epochs, &whole.decisions), "after {epochs}");
        assert_eq!(found.probabilities, whole.probabilities, "after {epochs}");
        assert_eq!((found.relaxed, found.discrete), (whole.relaxed, whole.discrete), "after {epochs}");
    }
}
