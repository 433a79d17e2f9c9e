//! Comparisons repeat, find what is there to be found, and never look at the score.

use nasmyth_bench::*;
use nasmyth_strategy::schedulers::Full;
use nasmyth_strategy::{scheduler_named, strategy_named};

fn contest(threads: usize) -> Contest {
    Contest { seeds: 12, trials: 60, parallel: 3, at: vec![20], regrets: vec![0.0, 2.0], threads }
}

fn run(benchmark: &dyn Benchmark, threads: usize) -> Comparison {
    let make = |name: &'static str| move || strategy_named(name)?.make(&Default::default());
    let (random, evolution) = (make("random"), make("regularized-evolution"));
    let schedule = |epochs: f64| scheduler_named("full")?.make(&Default::default(), epochs);
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
