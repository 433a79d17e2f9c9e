//! Every strategy of the list keeps the contract; rare feasible networks are found.

use nasmyth_space::{Context, Genotype, Rng, Space, SpaceError, Tree, preset};
use nasmyth_strategy::{
    Problem, STRATEGIES, StrategyError, StrategyKind, conformance, feasible_sample, no_costs, smallest,
    strategy_named,
};
use rand::SeedableRng;
use std::cell::Cell;

#[test]
fn every_strategy_passes_the_conformance_suite() {
    for kind in STRATEGIES.iter().filter(|kind| kind.has_defaults()) {
        let defaults = toml::Table::new();
        conformance::check(&|| kind.make(&defaults)).unwrap_or_else(|e| panic!("{}: {e}", kind.name));
    }
}

#[test]
fn evolution_passes_with_small_populations_and_crossover() {
    let kind = strategy_named("regularized-evolution").unwrap();
    let settings: toml::Table = "population = 4\nsample = 2\ncrossover = 0.5".parse().unwrap();
    conformance::check(&|| kind.make(&settings)).unwrap();
}

#[test]
fn settings_that_change_what_a_strategy_does_keep_the_contract() {
    let others = [
        ("local-search", "start = 1\nsteepest = true"),
        ("bananas", "encoding = 'genes'"),
        ("tpe", "start = 1\nrandom = 0.5\ncandidates = 1"),
        ("lanas", "start = 1\nleaf = 2\ndepth = 2\nexploration = 10.0"),
        ("lanas", "depth = 0"),
        ("reinforce", "penalty = 0.5\nmomentum = 0.0"),
        ("manas", "per-agent = true\ntries = 1"),
        ("epnas", "beam = 1\ntemperature = 0.0"),
        ("gflownet", "start = 2\ntemperature = 0.05\nsteps = 5"),
        ("tw-nas", "start = 4\nbatch = 5\npool = 20"),
        ("epnas", "beam = 1000\ntemperature = 10.0\ncooling = 0.5"),
    ];
    for (name, settings) in others {
        let make = || strategy_named(name)?.make(&settings.parse().unwrap());
        conformance::check(&make).unwrap_or_else(|e| panic!("{name}, {settings}: {e}"));
    }
}

#[test]
fn encodings_of_cells_propose_what_is_fresh_and_refuse_other_spaces() {
    let image = Context::image(12, 12, 1, 4);
    let (cells, others) = (preset("cell", &image).unwrap(), preset("mobile", &image).unwrap());
    let encoded = [
        ("random", "encoding = 'path-one-hot'"),
        ("regularized-evolution", "population = 5\nencoding = 'adjacency-continuous'"),
        ("regularized-evolution", "population = 5\ncrossover = 0.3\nencoding = 'path-categorical'"),
        ("bananas", "start = 5\npool = 20\nencoding = 'path-continuous'"),
    ];
    for (name, settings) in encoded {
        let mut strategy = strategy_named(name).unwrap().make(&settings.parse().unwrap()).unwrap();
        let mut known: Vec<Genotype> = Vec::new();
        for trial in 0..30 {
            let is_known = |g: &Genotype| known.contains(g);
            // All but those of most channels.
            let violation =
                |g: &Genotype| if cells.describe(g).unwrap().contains("width=24") { 1.0 } else { 0.0 };
            let problem =
                Problem { space: &cells, violation: &violation, known: &is_known, costs: &no_costs };
            let mut rng = Rng::seed_from_u64(trial);
            let genotype = strategy.ask(&problem, 1, &mut rng).unwrap().remove(0).genotype;
            assert!(cells.validate(&genotype).is_ok() && problem.fresh(&genotype), "{name}: {genotype}");
            let fidelity = nasmyth_strategy::Fidelity { rung: 0, epochs: 1.0 };
            let (outcome, costs) = (Ok(sum(&genotype)), Vec::new());
            known.push(genotype.clone());
            let done = nasmyth_strategy::Completed { trial, genotype, fidelity, outcome, costs };
            strategy.tell(&[done]).unwrap();
        }
        let problem = Problem { space: &others, violation: &|_| 0.0, known: &|_| false, costs: &no_costs };
        let error = strategy.ask(&problem, 1, &mut Rng::seed_from_u64(0)).unwrap_err().to_string();
        assert!(error.contains("`mobile`") && error.contains("`genes`"), "{error}");
    }
}

#[test]
fn a_batch_is_chosen_together_however_few_are_asked_for() {
    let space = planted();
    let proposals = |n: usize| {
        let settings = "start = 8\nbatch = 4\npool = 40".parse().unwrap();
        let mut strategy = strategy_named("tw-nas").unwrap().make(&settings).unwrap();
        let mut known: Vec<Genotype> = Vec::new();
        let mut ask = |strategy: &mut Box<dyn nasmyth_strategy::Strategy>, n: usize, seed: u64| {
            let is_known = |g: &Genotype| known.contains(g);
            let problem = Problem { space: &space, violation: &|_| 0.0, known: &is_known, costs: &no_costs };
            let asked = strategy.ask(&problem, n, &mut Rng::seed_from_u64(seed)).unwrap();
            known.extend(asked.iter().map(|p| p.genotype.clone()));
            asked
        };
        for trial in 0..8 {
            let genotype = ask(&mut strategy, 1, trial).remove(0).genotype;
            let (fidelity, outcome) =
                (nasmyth_strategy::Fidelity { rung: 0, epochs: 1.0 }, Ok(sum(&genotype)));
            let done = nasmyth_strategy::Completed { trial, genotype, fidelity, outcome, costs: Vec::new() };
            strategy.tell(&[done]).unwrap();
        }
        // All of a batch are drawn with the randomness of its first.
        (0..4 / n).flat_map(|_| ask(&mut strategy, n, 99)).map(|p| p.genotype).collect::<Vec<_>>()
    };
    let together = proposals(4);
    assert_eq!(together.len(), 4);
    assert_eq!(proposals(1), together);
    assert_eq!(proposals(2), together);
}

#[test]
fn local_search_tries_the_neighbours_of_the_best_until_none_is_better() {
    let space = planted();
    let kind = strategy_named("local-search").unwrap();
    let mut strategy = kind.make(&"start = 3\nsteepest = true".parse().unwrap()).unwrap();
    let mut known: Vec<Genotype> = Vec::new();
    let mut parents = Vec::new();
    // 3 starts, and 108 neighbours of each of the 12 or fewer networks on the way up.
    for trial in 0..600 {
        let is_known = |g: &Genotype| known.contains(g);
        let problem = Problem { space: &space, violation: &|_| 0.0, known: &is_known, costs: &no_costs };
        let proposal = strategy.ask(&problem, 1, &mut Rng::seed_from_u64(trial)).unwrap().remove(0);
        parents.push(proposal.parent);
        known.push(proposal.genotype.clone());
        let (outcome, genotype) = (Ok(sum(&proposal.genotype)), proposal.genotype);
        let fidelity = nasmyth_strategy::Fidelity { rung: 0, epochs: 1.0 };
        strategy
            .tell(&[nasmyth_strategy::Completed { trial, genotype, fidelity, outcome, costs: Vec::new() }])
            .unwrap();
    }
    assert_eq!(parents[..3], [None; 3]);
    let mut best_before = 3;
    for steps in parents[3..].chunk_by(|a, b| a == b).take(4) {
        let parent = steps[0].unwrap() as usize;
        let best = known[..best_before].iter().map(sum).fold(0.0, f64::max);
        assert_eq!(sum(&known[parent]), best);
        best_before += steps.len();
    }
}

#[test]
fn a_strategy_that_repeats_itself_is_caught() {
    struct Stuck;
    impl nasmyth_strategy::Strategy for Stuck {
        fn ask(
            &mut self,
            problem: &Problem<'_>,
            _: usize,
            _: &mut Rng,
        ) -> Result<Vec<nasmyth_strategy::Proposal>, StrategyError> {
            let all = problem.space.enumerate().find(|g| problem.feasible(g));
            Ok(all.into_iter().map(nasmyth_strategy::Proposal::random).collect())
        }
        fn tell(&mut self, _: &[nasmyth_strategy::Completed]) -> Result<(), StrategyError> {
            Ok(())
        }
    }
    let error = conformance::check(&|| Ok(Box::new(Stuck))).unwrap_err();
    assert!(error.to_string().contains("proposed a known genotype"), "{error}");
}

#[test]
fn names_and_settings_are_checked() {
    let unknown = strategy_named("regularised-evolution").unwrap_err();
    assert!(unknown.to_string().contains("did you mean `regularized-evolution`?"), "{unknown}");
    let kind = strategy_named("regularized-evolution").unwrap();
    let make = |text: &str| kind.make(&text.parse().unwrap()).map(drop).unwrap_err().to_string();
    assert!(make("populatoin = 3").contains("did you mean `population`?"), "{}", make("populatoin = 3"));
    assert!(make("population = 1").contains("a whole number from 2"), "{}", make("population = 1"));
    assert!(make("crossover = 'often'").contains("a number from 0 to 1"), "{}", make("crossover = 'often'"));
}

/// Twelve genes of ten values: 10^12 genotypes. They are never lowered.
fn planted() -> Space {
    let genes = (0..12).map(|i| Tree::choice(format!("g{i}"), (0..10).collect::<Vec<i64>>()));
    Space::new("planted", "Ten to the twelve.", Tree::group(genes.collect::<Vec<_>>()), |_| {
        Err(SpaceError::GenotypeText { text: String::new(), got: "no network".into(), position: 1 })
    })
    .unwrap()
}

fn sum(genotype: &Genotype) -> f64 {
    genotype.to_string().split('_').map(|gene| gene.parse::<f64>().unwrap()).sum()
}

#[test]
fn finds_what_random_draws_never_hit() {
    // Sums of at most 5 are 6188 of 10^12: one in 160 million.
    let space = planted();
    let violation = |g: &Genotype| (sum(g) / 5.0 - 1.0).max(0.0);
    let known = |_: &Genotype| false;
    let problem = Problem { space: &space, violation: &violation, known: &known, costs: &no_costs };
    let start = std::time::Instant::now();
    for seed in 0..20 {
        let found = feasible_sample(&problem, &mut Rng::seed_from_u64(seed)).unwrap();
        assert!(sum(&found) <= 5.0);
    }
    assert!(start.elapsed().as_secs_f64() < 20.0);
}

#[test]
fn gives_up_in_bounded_effort() {
    let space = planted();
    let calls = Cell::new(0);
    let violation = |_: &Genotype| {
        calls.set(calls.get() + 1);
        f64::INFINITY
    };
    let known = |_: &Genotype| false;
    let problem = Problem { space: &space, violation: &violation, known: &known, costs: &no_costs };
    assert_eq!(feasible_sample(&problem, &mut Rng::seed_from_u64(1)), None);
    assert!(calls.get() < 50_000, "{} evaluations", calls.get());
}

#[test]
fn finds_the_smallest() {
    let space = planted();
    let (found, cost) = smallest(&space, &|g| sum(g) + 7.0, 0.0, &mut Rng::seed_from_u64(1)).unwrap();
    assert_eq!((sum(&found), cost), (0.0, 7.0));
    assert!(smallest(&space, &|_| f64::INFINITY, 0.0, &mut Rng::seed_from_u64(1)).is_none());
}

/// Seeds with which each strategy that learns must beat random search.
const SEEDS: u64 = 2;

/// The best sum of 200 trials.
fn best_after(name: &str, settings: &str, seed: u64) -> f64 {
    let space = planted();
    let mut strategy = strategy_named(name).unwrap().make(&settings.parse().unwrap()).unwrap();
    let mut known: Vec<Genotype> = Vec::new();
    for trial in 0..200 {
        let is_known = |g: &Genotype| known.contains(g);
        let problem = Problem { space: &space, violation: &|_| 0.0, known: &is_known, costs: &no_costs };
        let mut rng = Rng::seed_from_u64(seed * 1000 + trial);
        let genotype = strategy.ask(&problem, 1, &mut rng).unwrap().remove(0).genotype;
        let fidelity = nasmyth_strategy::Fidelity { rung: 0, epochs: 1.0 };
        let outcome = Ok(sum(&genotype));
        known.push(genotype.clone());
        strategy
            .tell(&[nasmyth_strategy::Completed { trial, genotype, fidelity, outcome, costs: Vec::new() }])
            .unwrap();
    }
    known.iter().map(sum).fold(0.0, f64::max)
}

#[test]
fn every_strategy_that_learns_beats_random_search() {
    let random: Vec<f64> = (0..SEEDS).map(|seed| best_after("random", "", seed)).collect();
    // NAS-BOWL reads networks, which this space has none of: it draws at random.
    let learns = |kind: &&StrategyKind| kind.has_defaults() && !["random", "nas-bowl"].contains(&kind.name);
    for kind in STRATEGIES.iter().filter(learns) {
        // In a space as large as this some climb slowly: LaNAS draws uniformly within its regions, NSGA-II waits for whole
        // generations, EPNAS tries many beginnings of networks, and GFlowNet draws what is good as often as it is, not the best.
        let slow = ["lanas", "nsga2", "epnas", "gflownet"].contains(&kind.name);
        let margin = if slow { 0.0 } else { 5.0 };
        for (seed, random) in (0..SEEDS).zip(&random) {
            let best = best_after(kind.name, "", seed);
            assert!(best > random + margin, "{} with seed {seed}: {best} against {random}", kind.name);
        }
    }
}
