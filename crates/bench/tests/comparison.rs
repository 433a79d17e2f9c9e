//! Comparisons repeat, find what is there to be found, and never look at the score.

use nasmyth_bench::*;
use nasmyth_strategy::schedulers::Full;
use nasmyth_strategy::{Scheduler, StrategyError, scheduler_named, strategy_named};

fn contest(threads: usize) -> Contest {
    let (at, regrets) = (vec![20], vec![0.0, 2.0]);
    Contest { seeds: 12, trials: 60, parallel: 3, at, against: None, regrets, threads }
}

fn run(benchmark: &dyn Benchmark, threads: usize) -> Comparison {
    let make = |name: &'static str| move || strategy_named(name)?.make(&Default::default());
    let (random, evolution) = (make("random"), make("regularized-evolution"));
    let schedule = |epochs: f64| scheduler_named("none")?.make(&Default::default(), epochs);
    let contenders = [
        Contender { name: "random".to_owned(), build: &random, schedule: &schedule },
        Contender { name: "evolution".to_owned(), build: &evolution, schedule: &schedule },
    ];
    compare(benchmark, &contenders, &contest(threads), Identity::Class).unwrap()
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let planted = Planted::new(6, 4, 0.5, 1).unwrap();
    let mut one = run(&planted, 1);
    let mut three = run(&planted, 3);
    // Time is the only thing that may differ.
    one.contest.threads = 0;
    three.contest.threads = 0;
    one.strategies.iter_mut().chain(&mut three.strategies).for_each(|s| s.thinking = 0.0);
    assert_eq!(one, three);
    assert_eq!(one.pairs.iter().map(|p| p.evaluations).collect::<Vec<_>>(), [20, 60]);
}

#[test]
fn pairs_with_one_strategy_are_corrected_among_themselves() {
    let planted = Planted::new(5, 3, 0.5, 2).unwrap();
    let make = |name: &'static str| move || strategy_named(name)?.make(&Default::default());
    let names = ["random", "regularized-evolution", "local-search"];
    let builds = names.map(make);
    let schedule = |epochs: f64| scheduler_named("none")?.make(&Default::default(), epochs);
    let contender =
        |(name, build): (&&str, _)| Contender { name: (*name).to_owned(), build, schedule: &schedule };
    let contenders: Vec<Contender> = names.iter().zip(&builds).map(|(n, b)| contender((n, b as _))).collect();
    let run = |against: Option<&str>| {
        let contest = Contest { against: against.map(str::to_owned), ..contest(2) };
        compare(&planted, &contenders, &contest, Identity::Class)
    };
    let (all, some) = (run(None).unwrap(), run(Some("local-search")).unwrap());
    assert_eq!((all.pairs.len(), some.pairs.len()), (6, 4));
    for pair in &some.pairs {
        assert_eq!(pair.second, "local-search");
        let same =
            |p: &&Pair| (&p.first, &p.second, p.evaluations) == (&pair.first, &pair.second, pair.evaluations);
        let of_all = all.pairs.iter().find(same).unwrap();
        assert!(of_all.p == pair.p && pair.p <= pair.holm && pair.holm <= of_all.holm, "{pair:?} {of_all:?}");
    }
    let error = run(Some("tpe")).unwrap_err().to_string();
    assert!(
        error.contains("random, regularized-evolution, local-search") && error.contains("tpe"),
        "{error}"
    );
}

#[test]
fn evolution_beats_random_search_where_there_is_structure() {
    let comparison = run(&Planted::new(10, 4, 0.0, 3).unwrap(), 2);
    let [random, evolution] = &comparison.strategies[..] else { panic!() };
    assert!(evolution.curve[59].regret < random.curve[59].regret, "{comparison:?}");
    assert!(comparison.pairs.last().unwrap().holm < 0.01, "{:?}", comparison.pairs);
    assert!(evolution.improvement > 0.0 && random.improvement == 0.0);
    for strategy in &comparison.strategies {
        assert!(
            strategy.curve.windows(2).all(|w| w[1].regret <= w[0].regret),
            "without noise, regret never grows"
        );
    }
}

#[test]
fn a_tiny_space_is_exhausted_and_its_best_found() {
    let planted = Planted::new(3, 3, 0.0, 5).unwrap();
    let comparison = run(&planted, 1);
    assert!(comparison.strategies.iter().all(|s| s.curve[59].regret == 0.0 && s.until[0].is_some()));
    let strategy = strategy_named("random").unwrap().make(&Default::default()).unwrap();
    let budget = Budget { trials: 100, parallel: 1 };
    let replay = replay(&planted, strategy, Box::new(Full::new(1.0)), budget, Identity::Class, 0).unwrap();
    assert_eq!((replay.evaluations.len(), replay.evaluations.iter().filter(|e| e.cached).count()), (27, 0));
}

/// A table in which more quality costs more.
fn priced() -> (tempfile::TempDir, Table) {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("t.csv"), folder.path().join("t.table"));
    let mut text = "genotype,t_valid,t_test,params\n".to_owned();
    for i in 0..4096u32 {
        let digits: Vec<u32> = (0..6).map(|place| i / 4u32.pow(place) % 4).collect();
        // Every gene's options cost 0 to 3; the quality of a gene grows with the square root, and a pattern costs in vain.
        let quality: f64 = digits.iter().map(|&d| f64::from(d).sqrt()).sum();
        let waste = digits.windows(2).filter(|w| w[0] > w[1]).count();
        let genotype: Vec<String> = digits.iter().map(u32::to_string).collect();
        let params = digits.iter().sum::<u32>() as usize + 4 * waste;
        text += &format!("{},{quality},{quality},{params}\n", genotype.join("_"));
    }
    std::fs::write(&from, text).unwrap();
    import(&[from], &to, &ImportOptions::default()).unwrap();
    let table = Table::open(&to).unwrap();
    (folder, table)
}

#[test]
fn strategies_for_several_objectives_find_more_of_the_front_than_random_search() {
    let (_folder, table) = priced();
    let task = table.task(None).unwrap().with_objectives(&["params".to_owned()]).unwrap();
    let full = |epochs: f64| scheduler_named("none")?.make(&Default::default(), epochs);
    let names = ["random", "nsga2", "regularized-evolution", "tpe"];
    let builds = names.map(|name| move || strategy_named(name)?.make(&Default::default()));
    let contenders: Vec<Contender> = names
        .iter()
        .zip(&builds)
        .map(|(name, build)| Contender { name: (*name).to_owned(), build, schedule: &full })
        .collect();
    let contest = Contest {
        seeds: 40,
        trials: 200,
        parallel: 2,
        at: Vec::new(),
        against: None,
        regrets: Vec::new(),
        threads: 2,
    };
    let comparison = compare(&task, &contenders, &contest, Identity::Class).unwrap();
    assert!((0.5..1.0).contains(&comparison.best));
    for pair in comparison.pairs.iter().filter(|p| p.first == "random") {
        assert!(pair.difference > 0.0 && pair.holm < 0.05, "{pair:?}");
    }
    assert!(
        comparison.strategies.iter().all(|s| s.curve.windows(2).all(|w| w[1].regret <= w[0].regret + 1e-12))
    );
    assert!(table.task(None).unwrap().with_objectives(&["flops".to_owned()]).is_err());
}

/// Of nine networks, three go on, and one of those.
fn halving(epochs: f64) -> Result<Box<dyn Scheduler>, StrategyError> {
    let settings = [("candidates".to_owned(), toml::Value::Integer(9))].into_iter().collect();
    scheduler_named("successive-halving")?.make(&settings, epochs)
}

/// 27 networks that are trained for 9 epochs in 9 seconds, with values after 1, 3 and 9 epochs.
fn learning_curves() -> (tempfile::TempDir, Table) {
    let mut text = "genotype,t_valid_1,t_valid_3,t_valid_9,t_test_9,t_train_seconds_9\n".to_owned();
    for i in 0..27 {
        let quality = 10 * (i / 9) + 3 * (i / 3 % 3) + i % 3;
        text += &format!("{}_{}_{},{quality},{quality},{quality},{quality},9\n", i / 9, i / 3 % 3, i % 3);
    }
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("t.csv"), folder.path().join("t.table"));
    std::fs::write(&from, text).unwrap();
    import(&[from], &to, &ImportOptions::default()).unwrap();
    (folder, Table::open(&to).unwrap())
}

#[test]
fn what_is_promoted_goes_on_and_pays_the_rest_only() {
    let (_folder, table) = learning_curves();
    let task = table.task(None).unwrap();
    let strategy = strategy_named("random").unwrap().make(&Default::default()).unwrap();
    let scheduler = halving(9.0).unwrap();
    let budget = Budget { trials: 13, parallel: 1 };
    let replay = replay(&task, strategy, scheduler, budget, Identity::Class, 1).unwrap();
    let efforts: Vec<usize> = replay.evaluations.iter().map(|e| e.effort).collect();
    assert_eq!(efforts, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2]);
    // Nine networks for one epoch, three of them for two more, one of those for six more.
    assert_eq!(replay.evaluations.last().unwrap().seconds, 9.0 + 6.0 + 6.0);
}

#[test]
fn low_efforts_save_simulated_time() {
    let (_folder, table) = learning_curves();
    let random = || strategy_named("random")?.make(&Default::default());
    let full = |epochs: f64| scheduler_named("none")?.make(&Default::default(), epochs);
    let contenders = [
        Contender { name: "random".to_owned(), build: &random, schedule: &full },
        Contender { name: "halving".to_owned(), build: &random, schedule: &halving },
    ];
    let contest = Contest { trials: 26, ..contest(2) };
    let comparison = compare(&table.task(None).unwrap(), &contenders, &contest, Identity::Class).unwrap();
    let [full, halving] = &comparison.strategies[..] else { panic!() };
    assert_eq!((full.curve[25].seconds, halving.curve[25].seconds), (26.0 * 9.0, 2.0 * 21.0));
    // The signal ranks as the score does at every effort, so the best of nine is known after 21 seconds, not after 81.
    let at =
        |summary: &Summary, seconds: f64| summary.time.iter().rfind(|m| m.seconds <= seconds).unwrap().regret;
    assert!(at(halving, 30.0) < at(full, 30.0), "{comparison:?}");
    assert!(halving.time.last().unwrap().seconds <= 42.0);
}
