//! Options that differ in a kernel only, in a search: mixed, or parts of one shared kernel.

use nasmyth_data::{Dataset, OpenOptions, open};
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use nasmyth_space::{Context, Rng, from_toml};
use nasmyth_supernet::relaxed::{
    Architecture, Bilevel, Budget, Costs, Form, Kept, Kernels, Limit, MergedSpace, Part, Regulariser,
    Relaxation, RelaxedSpace, Search, SearchError, Setup, SuperNetwork, all_options, method_named, published,
};
use rand::{RngExt, SeedableRng};

const SERIES: &str = r#"
name = "kernels"
[[layer]]
op = "conv"
name = "first"
out = 6
kernel = { choice = [3, 5, 7] }
norm = "batch"
activation = "relu"
[[layer]]
op = "separable"
name = "second"
out = 8
kernel = { choice = [3, 5] }
"#;

fn data() -> Dataset {
    open("builtin:mnist1d", &OpenOptions { valid_fraction: 0.5, ..OpenOptions::default() }).unwrap()
}

fn space(text: &str, context: &Context) -> MergedSpace<'static> {
    MergedSpace::new(&from_toml(text, context).unwrap()).unwrap()
}

fn network<'a>(
    space: &'a MergedSpace<'a>,
    data: &'a Dataset,
    engine: &'a Engine,
    kernels: Kernels,
) -> SuperNetwork<'a> {
    let setup = Setup {
        form: Form { partial: 1, kernels },
        batch: 32,
        regulariser: Regulariser::None,
        limit: Limit::None,
        costs: Costs::none(space.choices()),
        kept: all_options(space.choices()),
        memory: u64::MAX,
    };
    let architecture = Architecture::new(space.choices(), Relaxation::Softmax, false);
    SuperNetwork::new(space, data, engine, setup, architecture, (0.9, 3)).unwrap()
}

/// Loss on the first samples and number of weights, of these options and logits.
fn first_step(network: &mut SuperNetwork<'_>, kept: &Kept, alphas: &[f64]) -> (f64, usize) {
    network.advance(kept, &[], alphas, (1.0, 0.0), &mut Rng::seed_from_u64(1)).unwrap();
    let weights = network.weights(false);
    (network.gradient(Part::Train, &weights, alphas).unwrap().loss, weights.len())
}

#[test]
fn a_kernel_that_is_all_one_option_makes_the_network_of_that_option() {
    let (data, engine, space) = (data(), Engine::cpu(1), space(SERIES, &Context::series(40, 1, 10)));
    let all = all_options(space.choices());
    assert_eq!(all, [vec![0, 1, 2], vec![0, 1]]);
    for kernels in [Kernels::Mixed, Kernels::Shared] {
        for options in [[0, 0], [1, 1], [2, 0], [2, 1]] {
            // So far ahead that the others count nothing.
            let mut alphas = vec![0.0; 5];
            (alphas[options[0]], alphas[3 + options[1]]) = (90.0, 90.0);
            let (mixed, _) = first_step(&mut network(&space, &data, &engine, kernels), &all, &alphas);
            let alone: Kept = options.iter().map(|&o| vec![o]).collect();
            let (own, _) = first_step(&mut network(&space, &data, &engine, kernels), &alone, &alphas);
            assert!((mixed - own).abs() < 1e-5, "{kernels:?} {options:?}: {mixed} and {own}");
        }
    }
}

#[test]
fn shared_kernels_cost_no_more_weights_than_the_largest_network_and_mixed_ones_fewer_convolutions() {
    let (data, engine, space) = (data(), Engine::cpu(1), space(SERIES, &Context::series(40, 1, 10)));
    let (all, largest) = (all_options(space.choices()), vec![vec![2], vec![1]]);
    let weights =
        |kernels, kept| first_step(&mut network(&space, &data, &engine, kernels), kept, &[0.0; 5]).1;
    assert_eq!(weights(Kernels::Shared, &all), weights(Kernels::Apart, &largest));
    // 3, 5 and 7 taps of 6 channels, 3 and 5 of each channel.
    let more = (3 + 5) * 6 + 3 * 6;
    assert_eq!(weights(Kernels::Mixed, &all), weights(Kernels::Apart, &largest) + more);
    let macs = |kernels, kept| space.relaxed(&[], kept, Form { partial: 1, kernels }).unwrap().graph.macs();
    assert_eq!(macs(Kernels::Mixed, &all), macs(Kernels::Apart, &largest));
    assert!(macs(Kernels::Apart, &all) > macs(Kernels::Mixed, &all));
}

#[test]
fn gradients_are_those_of_finite_differences() {
    const STEP: f64 = 1e-3;
    let (data, engine, space) = (data(), Engine::cpu(1), space(SERIES, &Context::series(40, 1, 10)));
    let all = all_options(space.choices());
    let alphas = [0.3, -0.4, 0.1, 0.2, -0.2];
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    for kernels in [Kernels::Mixed, Kernels::Shared] {
        let mut network = network(&space, &data, &engine, kernels);
        network.advance(&all, &[], &alphas, (1.0, 0.0), &mut Rng::seed_from_u64(1)).unwrap();
        let weights = network.weights(false);
        let exact = network.gradient(Part::Valid, &weights, &alphas).unwrap();
        let mut slope = |by_alphas: &[f64], by_weights: &[f32]| {
            let [high, low] = [STEP, -STEP].map(|step| {
                let alphas: Vec<f64> = alphas.iter().zip(by_alphas).map(|(a, d)| a + step * d).collect();
                let weights: Vec<f32> =
                    weights.iter().zip(by_weights).map(|(w, d)| w + step as f32 * d).collect();
                network.gradient(Part::Valid, &weights, &alphas).unwrap().loss
            });
            (high - low) / (2.0 * STEP)
        };
        let still = vec![0.0; weights.len()];
        let unit = |i: usize| (0..5).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>();
        let slopes: Vec<f64> = (0..5).map(|i| slope(&unit(i), &still)).collect();
        let error: Vec<f64> = slopes.iter().zip(&exact.alphas).map(|(s, e)| s - e).collect();
        assert!(norm(&error) < 0.05 * norm(&slopes), "{kernels:?}: {slopes:?}, {:?}", exact.alphas);
        // Along the gradient itself the slope is its norm.
        let size = exact.weights.iter().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
        let along: Vec<f32> = exact.weights.iter().map(|g| g / size as f32).collect();
        let got = slope(&[0.0; 5], &along);
        assert!((got - size).abs() < 0.05 * size, "{kernels:?}: {got} and {size}");
    }
}

#[test]
fn spaces_without_such_options_are_refused() {
    let (data, engine) = (data(), Engine::cpu(1));
    let space = space(
        "name = \"dense\"\n[[layer]]\nop = \"linear\"\nout = 8\nactivation = { choice = [\"relu\", \"silu\"] }",
        &Context::series(40, 1, 10),
    );
    let method = &published("dash").unwrap().method;
    let search =
        Search { method, space: &space, data: &data, engine: &engine, budget: Budget::default(), seed: 0 };
    assert!(matches!(search.run(&StopFlag::new(), &mut |_| ()), Err(SearchError::Kernels)));
}

/// Series of two classes, in which each value follows the one `lag` steps before or its opposite.
fn lagged(folder: &std::path::Path, lag: usize) -> Dataset {
    let mut rng = Rng::seed_from_u64(lag as u64);
    for (part, count) in [("TRAIN", 400), ("TEST", 20)] {
        let mut text = String::new();
        for i in 0..count {
            let mut series: Vec<f64> = (0..32).map(|_| rng.random_range(-1.0..1.0)).collect();
            let sign = if i % 2 == 0 { 0.8 } else { -0.8 };
            (lag..32).for_each(|t| series[t] = 0.6 * series[t] + sign * series[t - lag]);
            text += &format!(
                "{}\t{}\n",
                i % 2,
                series.iter().map(|v| format!("{v:.4}")).collect::<Vec<_>>().join("\t")
            );
        }
        std::fs::write(folder.join(format!("Lag_{part}.tsv")), text).unwrap();
    }
    open(folder.to_str().unwrap(), &OpenOptions { valid_fraction: 0.5, ..OpenOptions::default() }).unwrap()
}

#[test]
fn the_planted_kernel_is_found() {
    const PLANTED: &str = r#"
name = "planted"
[[layer]]
op = "conv"
out = 8
kernel = { choice = [3, 7] }
norm = "batch"
activation = "relu"
"#;
    let (engine, stop) = (Engine::cpu(1), StopFlag::new());
    let space = space(PLANTED, &Context::series(32, 1, 2));
    // What pays for the larger kernel is less than what it is worth where it is needed.
    let method = method_named("single-path", &"limit = { sum = { weight = 0.1 } }".parse().unwrap()).unwrap();
    let budget = Budget { epochs: 20, batch: 25, rate: 0.1, judged: 4, ..Budget::default() };
    for (lag, option) in [(1, 0), (5, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let data = lagged(folder.path(), lag);
        let found = |seed| {
            let search =
                Search { method: &method, space: &space, data: &data, engine: &engine, budget, seed };
            search.run(&stop, &mut |_| ()).unwrap().options == [option]
        };
        let right = (0..10).filter(|&seed| found(seed)).count();
        assert!(right >= 9, "lag {lag}: {right} of 10");
    }
}

#[test]
fn kernels_are_mixed_only_where_nothing_else_differs() {
    let mixed = |text: &str| {
        let space = space(text, &Context::series(40, 1, 10));
        let form = Form { partial: 1, kernels: Kernels::Mixed };
        space.relaxed(&[], &all_options(space.choices()), form).unwrap().kernels.len()
    };
    assert_eq!(mixed(SERIES), 2);
    assert_eq!(mixed(&SERIES.replace("out = 6", "out = 6\nbias = true")), 1);
    assert_eq!(
        mixed(&SERIES.replace("activation = \"relu\"", "activation = { choice = [\"relu\", \"silu\"] }")),
        1
    );
}
