//! One bank for all networks of a space, and its training.

use nasmyth_data::{Dataset, OpenOptions, Subset, open};
use nasmyth_engine::{Crew, Engine, ParamLayout, ParamStore};
use nasmyth_estimator::StopFlag;
use nasmyth_graph::ops::{Conv, Function};
use nasmyth_space::spaces::cell::{Skeleton, in_skeleton};
use nasmyth_space::{Context, Genotype, Network, Rng, Space, Tree, from_toml, preset};
use nasmyth_supernet::one_shot::{
    METHODS, OneShot, Sampling, ShrinkPlan, SplitBy, SplitPlan, StatisticsOf, Supernet, Task, divergence,
    planned_memory, similarity,
};
use nasmyth_supernet::{Bank, Gradients, Partition, Split, addresses};
use nasmyth_train::{Feed, Optimizer, Recipe, cosine, set_statistics, training_program};
use rand::SeedableRng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

struct Setup {
    data: Dataset,
    space: Space,
    recipe: Recipe,
}

fn context(data: &Dataset) -> Context {
    let samples = data.len(Subset::Train);
    Context { input: vec![40, 1], categories: Vec::new(), outputs: 10, regression: false, samples }
}

fn setup() -> Setup {
    let data = open("builtin:mnist1d", &OpenOptions::default()).unwrap();
    let samples = data.len(Subset::Train);
    let space = preset("cell", &context(&data)).unwrap();
    let recipe = Recipe { batch: 32, ..Recipe::for_data(data.features(), samples) };
    Setup { data, space, recipe }
}

impl Setup {
    fn task(&self) -> Task<'_> {
        Task { space: &self.space, data: &self.data, recipe: &self.recipe, seed: 3 }
    }

    fn supernet(&self, settings: &OneShot) -> Supernet<'_> {
        Supernet::new(self.task(), settings, &Engine::cpu(1)).unwrap()
    }

    fn genotypes(&self, count: usize) -> Vec<Genotype> {
        let mut rng = Rng::seed_from_u64(11);
        (0..count).map(|_| self.space.sample(&mut rng)).collect()
    }

    fn weights(&self, supernet: &Supernet, genotype: &Genotype) -> Vec<f32> {
        let part = supernet.partition().part(&self.space, genotype);
        let graph = self.space.lower(genotype).unwrap().verify().unwrap();
        let layout = Arc::new(ParamLayout::of(&graph));
        let addresses = addresses(&graph, &layout, |node| supernet.partition().of_layer(node, &part));
        supernet.bank().inherited(&addresses, &layout).values().to_vec()
    }
}

fn run(supernet: &mut Supernet, steps: u64) {
    supernet.run(steps, &StopFlag::new(), &mut |_, _| ()).unwrap();
}

#[test]
fn first_values_do_not_depend_on_the_order_in_which_networks_come() {
    let setup = setup();
    let gather = |order: &[usize]| {
        let genotypes = setup.genotypes(6);
        let mut bank = Bank::new(5, setup.recipe.optimizer);
        let mut found: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
        for &i in order {
            let graph = setup.space.lower(&genotypes[i]).unwrap().verify().unwrap();
            let layout = Arc::new(ParamLayout::of(&graph));
            let slots = bank.bind(&addresses(&graph, &layout, |_| Vec::new()), &layout);
            found.insert(i, bank.gather(&slots, &layout).values().to_vec());
        }
        (found, bank.len())
    };
    let (forward, backward) = (gather(&[0, 1, 2, 3, 4, 5]), gather(&[5, 3, 1, 4, 2, 0]));
    assert_eq!(forward, backward);
    let alone: usize = forward.0.values().map(Vec::len).sum();
    assert!(forward.1 < alone, "{} numbers of the bank, {alone} of six networks on their own", forward.1);
}

#[test]
fn a_super_network_of_one_network_is_trained_as_that_network_is() {
    let setup = setup();
    let only = setup.space.default_genotype();
    let space = setup.space.only([only.clone()]).unwrap();
    let task = Task { space: &space, ..setup.task() };
    let mut supernet = Supernet::new(task, &OneShot::default(), &Engine::cpu(1)).unwrap();
    let graph = space.lower(&only).unwrap().verify().unwrap();
    let layout = Arc::new(ParamLayout::of(&graph));
    let at = addresses(&graph, &layout, |_| Vec::new());
    let mut params: ParamStore<f32> = supernet.bank().inherited(&at, &layout);
    set_statistics(&mut params, &graph, setup.data.statistics());
    const STEPS: u64 = 4;
    let program = training_program(&graph, &setup.data, &setup.recipe, &Engine::cpu(1)).unwrap();
    let augment = &setup.recipe.augment;
    let mut feed = Feed::new(&setup.data, Subset::Train, program.parts(), augment, task.seed);
    let mut optimizer = Optimizer::new(setup.recipe.optimizer, &layout);
    let mut grads = vec![0.0; layout.trained().len()];
    let mut memory = program.memory();
    for step in 0..STEPS {
        feed.read(step, &program, &mut memory, &mut Crew::alone());
        let seed = task.seed ^ step.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        program.train(&params, &mut grads, &mut memory, seed);
        program.update_buffers(&mut params, &memory);
        let norm = grads.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        let factor = if norm > setup.recipe.clip { (setup.recipe.clip / norm) as f32 } else { 1.0 };
        grads.iter_mut().for_each(|g| *g *= factor);
        let rate = setup.recipe.learning_rate * cosine(step, STEPS, setup.recipe.warmup);
        let trained = layout.trained();
        optimizer.step(&mut params.values_mut()[trained], &grads, rate, setup.recipe.weight_decay);
    }
    run(&mut supernet, STEPS);
    let shared = supernet.bank().inherited(&at, &layout);
    for entry in layout.entries().iter().filter(|e| !e.key.starts_with("standardize")) {
        let (got, expected) = (shared.get(&entry.key).unwrap(), params.get(&entry.key).unwrap());
        let near = got.iter().zip(expected).all(|(g, e)| (g - e).abs() <= 1e-4 * e.abs().max(1e-2));
        assert!(near, "{}: {got:?} against {expected:?}", entry.key);
    }
}

#[test]
fn a_training_that_was_cut_off_ends_as_one_that_was_not_on_any_number_of_threads() {
    let setup = setup();
    let settings = (METHODS.iter().find(|m| m.name == "few-shot").unwrap().settings)();
    let mut whole = setup.supernet(&settings);
    run(&mut whole, 12);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bank");
    for cut in [3, 6, 9] {
        let mut first = setup.supernet(&settings);
        let stop = StopFlag::new();
        let cut_off = first.run(12, &stop, &mut |_, at| {
            if at.step == cut {
                stop.raise();
            }
        });
        assert!(cut_off.is_err());
        first.save(&path, "data").unwrap();
        let mut second = Supernet::new(setup.task(), &settings, &Engine::cpu(2)).unwrap();
        assert!(second.restore(&path, "other data").is_err());
        second.restore(&path, "data").unwrap();
        assert_eq!((second.step(), second.partition()), (cut, first.partition()));
        run(&mut second, 12);
        for genotype in setup.genotypes(8) {
            assert_eq!(setup.weights(&second, &genotype), setup.weights(&whole, &genotype));
        }
    }
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(setup.supernet(&settings).restore(&path, "data").is_err());
}

#[test]
fn uniform_paths_are_uniform_and_fair_rounds_take_every_option_once() {
    let setup = setup();
    let mut counts = [[0u32; 5]; 6];
    const DRAWS: u64 = 3000;
    for update in 0..DRAWS {
        let drawn = Sampling::Uniform.draw(&setup.space, 9, update, None);
        assert_eq!(drawn, Sampling::Uniform.draw(&setup.space, 9, update, None));
        for (place, gene) in setup.space.by_place(&drawn[0]).iter().take(6).enumerate() {
            let Some(nasmyth_space::Gene::Index(option)) = gene else { panic!("an edge without a gene") };
            counts[place][*option as usize] += 1;
        }
    }
    let expected = DRAWS as f64 / 5.0;
    let chi = |place: &[u32; 5]| -> f64 {
        place.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum()
    };
    // 99.9 % of chi-square with four degrees of freedom lie below 18.5.
    assert!(counts.iter().all(|place| chi(place) < 18.5), "{counts:?}");

    let round = Sampling::Fair.draw(&setup.space, 9, 0, None);
    assert_eq!(round.len() as u64, Sampling::Fair.paths(&setup.space));
    assert_eq!(round.len(), 6, "the widths have the most options");
    for place in 0..6 {
        let mut options: Vec<_> = round.iter().map(|g| setup.space.by_place(g)[place]).collect();
        options.sort();
        options.dedup();
        assert_eq!(options.len(), 5);
    }
}

#[test]
fn parts_begin_as_what_they_were_split_off_and_then_go_their_own_ways() {
    let setup = setup();
    let mut supernet = setup.supernet(&OneShot::default());
    run(&mut supernet, 4);
    let genotypes = setup.genotypes(30);
    let before: Vec<Vec<f32>> = genotypes.iter().map(|g| setup.weights(&supernet, g)).collect();
    supernet.split(Split { place: 0, groups: vec![0, 1, 1, 0, 1] });
    for (genotype, before) in genotypes.iter().zip(&before) {
        assert_eq!(&setup.weights(&supernet, genotype), before);
    }
    run(&mut supernet, 5); // one step, in one of the parts
    let trained = &Sampling::Uniform.draw(&setup.space, setup.task().seed, 4, None)[0];
    let part = |g: &Genotype| supernet.partition().part(&setup.space, g);
    for (genotype, before) in genotypes.iter().zip(&before) {
        let moved = &setup.weights(&supernet, genotype) != before;
        assert_eq!(moved, part(genotype) == part(trained), "{genotype}"); // all share at least the stem
    }
}

#[test]
fn groups_share_only_what_is_common() {
    let setup = setup();
    let partition = Partition { groups: 3, common: vec!["stage0".to_owned()], splits: Vec::new() };
    let parts: std::collections::BTreeSet<_> =
        setup.genotypes(40).iter().map(|g| partition.part(&setup.space, g)).collect();
    assert_eq!(parts.len(), 3);
    let part = parts.last().unwrap();
    assert!(partition.of_layer("stage0.cell0.conv_1", part).is_empty());
    assert_eq!(&partition.of_layer("stage1.cell0.conv_1", part), part);
}

#[test]
fn measured_statistics_judge_better_than_those_of_all_networks_together() {
    let setup = setup();
    let skeleton = Skeleton { width: 8, cells: 1, stride: 2 };
    let space = in_skeleton(&context(&setup.data), skeleton).unwrap();
    let setup = Setup { space, ..setup };
    let mut supernet = setup.supernet(&OneShot::default());
    run(&mut supernet, 400);
    let accuracy = |statistics: StatisticsOf| -> Vec<f64> {
        // The same weights, other settings of judging.
        let settings = OneShot { statistics, ..OneShot::default() };
        let judge = supernet.judge_as(&settings);
        setup.genotypes(20).iter().map(|g| judge.judge(g, 300).unwrap().value()).collect()
    };
    let running = accuracy(StatisticsOf::Running);
    for statistics in [StatisticsOf::Training, StatisticsOf::Judged] {
        let measured = accuracy(statistics);
        let better = measured.iter().zip(&running).filter(|(m, r)| m > r).count();
        assert!(better >= 18, "{statistics:?}: better for {better} of 20, {measured:?} against {running:?}");
    }
}

#[test]
fn options_agree_with_themselves_and_alike() {
    let setup = setup();
    let mut supernet = setup.supernet(&OneShot::default());
    run(&mut supernet, 8);
    let matrix = similarity(&mut supernet, 0, 5).unwrap();
    for (a, row) in matrix.iter().enumerate() {
        assert!((row[a] - 1.0).abs() < 1e-6);
        assert!(
            row.iter().enumerate().all(|(b, v)| (v - matrix[b][a]).abs() < 1e-12 && v.abs() <= 1.0 + 1e-9)
        );
    }
    assert_eq!(supernet.step(), 8, "comparing trains nothing");
}

#[test]
fn settings_that_do_not_fit_say_what_would() {
    let setup = setup();
    let split = |count, genes: &[&str], after| {
        let genes = genes.iter().map(|g| (*g).to_owned()).collect();
        Some(SplitPlan { by: SplitBy::Options, count, genes, after })
    };
    let cases = [
        (OneShot { calibration: 0, ..OneShot::default() }, "calibration: expected 1 to 4096 batches, got 0"),
        (OneShot { groups: 0, ..OneShot::default() }, "groups: expected 1 to"),
        (OneShot { split: split(1, &[], 1.0), ..OneShot::default() }, "split.after"),
        (OneShot { split: split(9, &[], 0.5), ..OneShot::default() }, "split.count: expected 1 to 8"),
        (OneShot { split: split(1, &["cell.node9"], 0.5), ..OneShot::default() }, "got `cell.node9`"),
    ];
    for (settings, expected) in cases {
        let error = Supernet::new(setup.task(), &settings, &Engine::cpu(1)).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn what_does_not_fit_into_memory_is_refused_with_advice() {
    let setup = setup();
    let plan = |space: &Space, settings: &OneShot| {
        planned_memory(Task { space, ..setup.task() }, settings, 1000, &Engine::cpu(1))
    };
    let small = plan(&setup.space, &OneShot::default()).unwrap();
    let split = plan(&setup.space, &(METHODS[2].settings)()).unwrap();
    assert!(split.bank > 5 * small.bank && split.step == small.step, "{small:?} {split:?}");
    // Each network fits, but there are 64 matrices for the second layer.
    let widths: Vec<String> = (0..8).map(|i| (14_000 + i).to_string()).collect();
    let widths = widths.join(", ");
    let wide = format!(
        "name = 'wide'\n[[layer]]\nop = 'flatten'\n[[layer]]\nop = 'linear'\nout = {{ choice = [{widths}] }}\n\
         [[layer]]\nop = 'linear'\nout = {{ choice = [{widths}] }}\n"
    );
    let wide = from_toml(&wide, &context(&setup.data)).unwrap();
    let error = plan(&wide, &OneShot::default()).err().unwrap().to_string();
    assert!(error.contains("MiB of weights") && error.contains("--limit weights<="), "{error}");
}

/// Members that are the same network: no layer is shared, so each stands twice in the graph and once in the bank.
#[test]
fn members_train_the_weights_of_one_bank_and_their_gradients_add_up() {
    let setup = setup();
    let ensembles = setup.space.ensemble(2).unwrap();
    let only = ensembles.parse("shared=0.0").unwrap();
    let space = ensembles.only([only.clone()]).unwrap();
    let task = Task { space: &space, ..setup.task() };
    let graph = space.lower(&only).unwrap().verify().unwrap();
    let layout = Arc::new(ParamLayout::of(&graph));
    let at = addresses(&graph, &layout, |_| Vec::new());
    let alone = setup.space.lower(&setup.space.default_genotype()).unwrap().verify().unwrap();
    let alone_layout = Arc::new(ParamLayout::of(&alone));
    let alone_at = addresses(&alone, &alone_layout, |_| Vec::new());
    let distinct = |all: &[nasmyth_supernet::Address]| all.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(distinct(&at), distinct(&alone_at));
    assert_eq!(graph.params(), 2 * alone.params());

    // Ones of both members are twos in the bank.
    let mut gradients = Gradients::default();
    let slots = Bank::new(5, setup.recipe.optimizer).bind(&at, &layout);
    gradients.add(&slots, &layout, &vec![1.0; layout.trained().len()]);
    let expected = (4.0 * alone.params() as f64).sqrt();
    assert!((gradients.norm() - expected).abs() < 1e-6 * expected);

    // The mean of two equal networks is that network, and half of its gradient comes from each. Dropout would tell them apart.
    let train = |task: Task<'_>| {
        let mut supernet = Supernet::new(task, &OneShot::default(), &Engine::cpu(1)).unwrap();
        run(&mut supernet, 3);
        supernet.bank().inherited(&alone_at, &alone_layout).values().to_vec()
    };
    let single = setup.space.only([setup.space.default_genotype()]).unwrap();
    let (pair, one) = (train(task), train(Task { space: &single, ..setup.task() }));
    let far = pair.iter().zip(&one).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far < 1e-3, "{far}");
}

fn shrinking(setup: &Setup, keep: usize) -> OneShot {
    let shrinking = Some(ShrinkPlan { keep, networks: 12, ..ShrinkPlan::default() });
    let settings = OneShot { shrinking, calibration: 1, ..OneShot::default() };
    settings.check(&setup.space).unwrap();
    settings
}

#[test]
fn a_space_that_has_shrunk_keeps_so_many_options_of_each_gene_in_all_members() {
    let setup = setup();
    let ensembles = setup.space.ensemble(2).unwrap();
    let task = Task { space: &ensembles, ..setup.task() };
    let mut supernet = Supernet::new(task, &shrinking(&setup, 2), &Engine::cpu(1)).unwrap();
    let whole = supernet.space().count();
    let mut counts = Vec::new();
    let mut observe = |supernet: &Supernet, _| counts.push(supernet.space().count());
    supernet.run(4, &StopFlag::new(), &mut observe).unwrap();
    // Six edges and a width, two options each; one to three cells.
    let left = (1u128 << 7) * 3;
    assert_eq!(counts, [whole, whole, Some(9 * left * left), Some(9 * left * left)]);
    assert_eq!(supernet.left_out().len(), 2 * (6 * 3 + 4));
    let mut of_members = [0, 1].map(|i| {
        let prefix = format!("member{i}.");
        supernet
            .left_out()
            .iter()
            .filter_map(|o| Some(o.strip_prefix(&prefix)?.to_owned()))
            .collect::<Vec<_>>()
    });
    of_members.iter_mut().for_each(|options| options.sort());
    assert_eq!(of_members[0], of_members[1]);
    let inside = supernet.space().sample(&mut Rng::seed_from_u64(1));
    assert!(supernet.judge().judge(&inside, 64).unwrap().value().is_finite());
}

#[test]
fn a_space_shrinks_alike_after_a_cut_and_on_any_number_of_threads() {
    let setup = setup();
    let settings = shrinking(&setup, 3);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.bank");
    let end = |cut: Option<u64>, threads: usize| {
        let engine = Engine::cpu(threads);
        let mut supernet = Supernet::new(setup.task(), &settings, &engine).unwrap();
        if let Some(cut) = cut {
            let stop = StopFlag::new();
            let mut halt = |supernet: &Supernet, _| {
                if supernet.step() == cut {
                    stop.raise()
                }
            };
            assert!(supernet.run(8, &stop, &mut halt).is_err());
            supernet.save(&file, "test").unwrap();
            supernet = Supernet::new(setup.task(), &settings, &engine).unwrap();
            supernet.restore(&file, "test").unwrap();
        }
        run(&mut supernet, 8);
        let genotypes = setup.genotypes(6);
        let weights: Vec<Vec<f32>> = genotypes.iter().map(|g| setup.weights(&supernet, g)).collect();
        (supernet.left_out().to_vec(), weights)
    };
    let expected = end(None, 1);
    assert_eq!(expected.0.len(), 6 * 2 + 3);
    for (cut, threads) in [(Some(3), 1), (Some(6), 2), (None, 2)] {
        assert_eq!(end(cut, threads), expected, "{cut:?} {threads}");
    }
}

/// Two options that are one network, and a third: what is alike brings no diversity.
#[test]
fn options_that_are_the_same_are_dropped_first() {
    let setup = setup();
    let context = context(&setup.data);
    let tree = Tree::choice("layer", ["narrow", "same", "other"]);
    let space = Space::new("twins", "", tree, move |genes| {
        let mut net = Network::begin("twins", &context)?;
        let kernel = if genes.word("layer")? == "other" { 7 } else { 3 };
        net.push(Conv::same(4, &[kernel]).stride(4))?.activate(Function::Relu)?;
        net.finish()
    })
    .unwrap();
    let settings = |diversity: f64| OneShot {
        shrinking: Some(ShrinkPlan { keep: 1, diversity, networks: 6, ..ShrinkPlan::default() }),
        ..OneShot::default()
    };
    let task = Task { space: &space, ..setup.task() };
    let mut supernet = Supernet::new(task, &settings(100.0), &Engine::cpu(1)).unwrap();
    run(&mut supernet, 4);
    assert_eq!(supernet.left_out(), ["layer=narrow", "layer=same"]);
    let outputs = |option: &str| {
        let genotype = space.parse(&format!("layer={option}")).unwrap();
        let settings = OneShot::default();
        let judge = supernet.judge_in(&space, &settings);
        let (graph, params) = judge.network(&genotype).unwrap();
        let read = |i: usize, x: &mut [f32]| setup.data.read(Subset::Valid, i, x);
        nasmyth_train::predict(&graph, &params, 32, &Engine::cpu(1), read).unwrap()
    };
    let apart = |a: &str, b: &str| divergence(setup.data.task(), &outputs(a), &outputs(b));
    assert_eq!(apart("narrow", "same"), 0.0);
    assert!(apart("narrow", "other") > 0.0);
    assert_eq!(apart("narrow", "other"), apart("other", "same"));
}

#[test]
fn shrinking_stands_alone_and_within_its_ranges() {
    let setup = setup();
    let refused = |settings: OneShot, words: &str| {
        let message = settings.check(&setup.space).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    };
    let plan = ShrinkPlan::default;
    let with = |plan: ShrinkPlan| OneShot { shrinking: Some(plan), ..OneShot::default() };
    refused(with(ShrinkPlan { after: 1.0, ..plan() }), "shrinking.after: expected a share above 0");
    refused(with(ShrinkPlan { keep: 0, ..plan() }), "shrinking.keep: expected at least 1");
    refused(with(ShrinkPlan { diversity: f64::NAN, ..plan() }), "shrinking.diversity");
    refused(with(ShrinkPlan { networks: 0, ..plan() }), "shrinking.networks: expected 1 to");
    refused(OneShot { sampling: Sampling::Fair, ..with(plan()) }, "sampling: expected the default");
    refused(OneShot { groups: 2, ..with(plan()) }, "groups: expected the default");
}
