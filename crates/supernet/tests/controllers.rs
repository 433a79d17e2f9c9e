//! Policies that sample a super-network and learn while it is trained.

use nasmyth_data::{Dataset, OpenOptions, Subset, open};
use nasmyth_engine::{Engine, ParamLayout};
use nasmyth_estimator::StopFlag;
use nasmyth_graph::VerifiedGraph;
use nasmyth_graph::ops::{BatchNorm, Conv, Dropout, Function};
use nasmyth_space::{Context, Genotype, Network, Space, Tree};
use nasmyth_supernet::one_shot::{ControllerPlan, LimitRule, OneShot, Sampling, Supernet, Task, method};
use nasmyth_supernet::{Bank, Gradients, Step, addresses};
use nasmyth_train::Recipe;
use std::sync::Arc;

/// Three small convolutional layers, each of which may be dropout of nearly everything.
fn space(data: &Dataset) -> Space {
    let samples = data.len(Subset::Train);
    let context =
        Context { input: vec![40, 1], categories: Vec::new(), outputs: 10, regression: false, samples };
    let layer = |i| Tree::choice(format!("layer{i}"), ["noise", "narrow", "wide"]);
    Space::new("noisy", "", Tree::group((0..3).map(layer).collect::<Vec<_>>()), move |genes| {
        let mut net = Network::begin("noisy", &context)?;
        net.conv_bn_act(Conv::same(8, &[5]).stride(2), Some(Function::Relu))?;
        for i in 0..3 {
            let word = genes.word(&format!("layer{i}"))?;
            net.scope(format_args!("layer{i}.{word}"), |net| {
                match word.as_str() {
                    "noise" => net.push(Dropout { rate: 0.98 })?,
                    "narrow" => net.conv_bn_act(Conv::same(8, &[3]), Some(Function::Relu))?,
                    _ => {
                        net.push(Conv::same(8, &[9]))?.push(BatchNorm::default())?.activate(Function::Relu)?
                    }
                };
                Ok(())
            })?;
        }
        net.finish()
    })
    .unwrap()
}

struct Setup {
    data: Dataset,
    space: Space,
    recipe: Recipe,
}

fn setup() -> Setup {
    let data = open("builtin:mnist1d", &OpenOptions::default()).unwrap();
    let space = space(&data);
    let recipe = Recipe { batch: 64, ..Recipe::for_data(data.features(), data.len(Subset::Train)) };
    Setup { data, space, recipe }
}

impl Setup {
    fn supernet(&self, settings: &OneShot, threads: usize) -> Supernet<'_> {
        let task = Task { space: &self.space, data: &self.data, recipe: &self.recipe, seed: 3 };
        Supernet::new(task, settings, &Engine::cpu(threads)).unwrap()
    }

    fn weights(&self, supernet: &Supernet, genotype: &Genotype) -> Vec<f32> {
        let graph = self.space.lower(genotype).unwrap().verify().unwrap();
        let layout = Arc::new(ParamLayout::of(&graph));
        supernet.bank().inherited(&addresses(&graph, &layout, |_| Vec::new()), &layout).values().to_vec()
    }
}

fn run(supernet: &mut Supernet, steps: u64) {
    supernet.run(steps, &StopFlag::new(), &mut |_, _| ()).unwrap();
}

fn settings(name: &str) -> OneShot {
    (method(name).unwrap().settings)()
}

/// Parameters over those of the network of narrow layers alone.
fn load(graph: &VerifiedGraph) -> f64 {
    ParamLayout::of(graph).trained().len() as f64 / 850.0
}

#[test]
fn a_policy_learns_to_leave_out_noise() {
    let setup = setup();
    let mut supernet = setup.supernet(&settings("tabnas"), 1);
    run(&mut supernet, 600);
    let best = &supernet.favourites(1)[0];
    let text = setup.space.describe(best).unwrap();
    assert!(!text.contains("noise"), "{text}");
}

#[test]
fn a_cut_training_ends_as_a_whole_one_on_any_number_of_threads() {
    let setup = setup();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bank");
    for name in ["tunas", "tabnas", "autohas"] {
        let mut whole = setup.supernet(&settings(name), 1).bounded(&load);
        run(&mut whole, 24);
        let mut first = setup.supernet(&settings(name), 1).bounded(&load);
        let stop = StopFlag::new();
        let cut = first.run(24, &stop, &mut |_, at| {
            if at.step == 15 {
                stop.raise();
            }
        });
        assert!(cut.is_err());
        first.save(&path, "data").unwrap();
        let mut second = setup.supernet(&settings(name), 2).bounded(&load);
        second.restore(&path, "data").unwrap();
        second.measure_step(std::time::Duration::ZERO).unwrap(); // leaves no trace
        run(&mut second, 24);
        assert_eq!(second.favourites(27), whole.favourites(27), "{name}");
        assert_ne!(second.favourites(27), first.favourites(27), "{name}: the policy moved");
        assert_eq!(second.favourite_recipe(), whole.favourite_recipe(), "{name}");
        assert_eq!(second.favourite_recipe().is_some(), name == "autohas");
        for genotype in setup.space.enumerate() {
            assert_eq!(setup.weights(&second, &genotype), setup.weights(&whole, &genotype), "{name}");
        }
    }
}

#[test]
fn favourites_keep_the_limits_and_where_none_does_the_training_is_refused() {
    let setup = setup();
    let mut supernet = setup.supernet(&settings("tabnas"), 1).bounded(&load);
    run(&mut supernet, 12);
    let favourites = supernet.favourites(100);
    let load_of = |g: &Genotype| load(&setup.space.lower(g).unwrap().verify().unwrap());
    assert!(!favourites.is_empty() && favourites.iter().all(|g| load_of(g) <= 1.0));
    let most = favourites.iter().map(load_of).fold(0.0, f64::max);
    assert!(most > 0.5 && favourites.len() < 27, "{most}: the limit binds and leaves something");
    let nothing = |_: &VerifiedGraph| 2.0;
    let mut supernet = setup.supernet(&settings("tabnas"), 1).bounded(&nothing);
    let error = supernet.run(1, &StopFlag::new(), &mut |_, _| ()).unwrap_err().to_string();
    assert!(error.contains("raise the limits"), "{error}");
}

#[test]
fn temporary_weights_are_those_of_the_step_and_leave_the_shared_ones_alone() {
    let setup = setup();
    let genotype = setup.space.default_genotype();
    let graph = setup.space.lower(&genotype).unwrap().verify().unwrap();
    let layout = Arc::new(ParamLayout::of(&graph));
    let mut bank = Bank::new(5, setup.recipe.optimizer);
    let slots = bank.bind(&addresses(&graph, &layout, |_| Vec::new()), &layout);
    let mut gradients = Gradients::default();
    let slopes: Vec<f32> = (0..layout.trained().len()).map(|i| (i % 7) as f32 - 3.0).collect();
    gradients.add(&slots, &layout, &slopes);
    for rate in [0.5, 0.01] {
        let step = Step { rate, weight_decay: 0.1, clip: 2.0 };
        let before = bank.gather(&slots, &layout).values().to_vec();
        let temporary = bank.stepped(&slots, &layout, &gradients, step).values().to_vec();
        assert_eq!(bank.gather(&slots, &layout).values(), before);
        bank.update(&gradients, step);
        assert_eq!(bank.gather(&slots, &layout).values(), temporary);
        assert_ne!(temporary, before);
    }
}

#[test]
fn settings_of_a_controller_that_do_not_fit_say_what_would() {
    let setup = setup();
    let with = |plan: ControllerPlan| OneShot { controller: Some(plan), ..OneShot::default() };
    let plan = ControllerPlan::default();
    let cases = [
        (with(ControllerPlan { warmup: 1.0, ..plan.clone() }), "controller.warmup: expected 0 to 0.99"),
        (with(ControllerPlan { draws: 0, ..plan.clone() }), "controller.draws: expected 1 to 65536, got 0"),
        (with(ControllerPlan { reach: f64::NAN, ..plan.clone() }), "controller.reach"),
        (
            with(ControllerPlan { learning_rates: vec![1.0, -1.0], ..plan.clone() }),
            "controller.learning_rates",
        ),
        (
            OneShot {
                sampling: Sampling::Fair,
                ..with(ControllerPlan { limits: LimitRule::Target, ..plan })
            },
            "sampling: expected uniform",
        ),
    ];
    for (settings, expected) in cases {
        let task = Task { space: &setup.space, data: &setup.data, recipe: &setup.recipe, seed: 3 };
        let error = Supernet::new(task, &settings, &Engine::cpu(1)).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
