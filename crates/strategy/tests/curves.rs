//! Extrapolation in a world of planted learning curves that cross.

use nasmyth_space::{Gene, Genotype, Rng, Space, SpaceError, Tree};
use nasmyth_strategy::{Completed, Next, Problem, no_costs, scheduler_named, strategy_named};
use rand::{RngExt, SeedableRng};

const EPOCHS: f64 = 64.0;

/// Three genes of twenty values, never lowered.
fn space() -> Space {
    let genes = (0..3).map(|i| Tree::choice(format!("g{i}"), (0..20).collect::<Vec<i64>>()));
    Space::new("curves", "Three genes.", Tree::group(genes.collect::<Vec<_>>()), |_| {
        Err(SpaceError::GenotypeText { text: String::new(), got: "no network".into(), position: 1 })
    })
    .unwrap()
}

/// How the curves of a world run. All are `height - share epochs^-rate` with noise; what they are made of is the genotype's.
#[derive(Clone, Copy)]
enum World {
    /// Height and rate have nothing to do with each other.
    Independent,
    /// The higher a curve ends, the lower it begins.
    Crossing,
}

fn value(world: World, genotype: &Genotype, epochs: f64) -> f64 {
    let digit = |gene: &Gene| if let Gene::Index(i) = gene { u64::from(*i) } else { 0 };
    let number = genotype.genes().iter().fold(0, |number, gene| 20 * number + digit(gene));
    let mut rng = Rng::seed_from_u64(number);
    let (good, fast): (f64, f64) = (rng.random(), rng.random());
    let (share, rate) = match world {
        World::Independent => (0.6, 0.3 + 0.7 * fast),
        World::Crossing => (0.3 + 0.7 * good, 0.45 + 0.1 * fast),
    };
    let noise = 0.01 * (Rng::seed_from_u64(number ^ epochs.to_bits()).random::<f64>() - 0.5);
    0.7 + 0.25 * good - share * epochs.powf(-rate) + noise
}

/// Epochs spent and the best value at full effort, of the first 200 networks that random search draws.
fn run(world: World, scheduler: &str, settings: &str, seed: u64) -> (f64, f64) {
    let space = space();
    let mut strategy = strategy_named("random").unwrap().make(&toml::Table::new()).unwrap();
    let mut scheduler = scheduler_named(scheduler).unwrap().make(&settings.parse().unwrap(), EPOCHS).unwrap();
    let (mut begun, mut spent, mut best): (Vec<Genotype>, f64, f64) = (Vec::new(), 0.0, 0.0);
    for trial in 0.. {
        let known = |g: &Genotype| begun.contains(g);
        let problem = Problem { space: &space, violation: &|_| 0.0, known: &known, costs: &no_costs };
        // The same networks under every scheduler.
        let mut rng = Rng::seed_from_u64(1000 * seed + begun.len() as u64);
        let Next::Run(task) = scheduler.next(strategy.as_mut(), &problem, &mut rng).unwrap() else {
            panic!("nothing runs, and nothing is left to do");
        };
        if task.previous.is_none() {
            if begun.len() == 200 {
                break;
            }
            begun.push(task.genotype.clone());
        }
        spent += task.fidelity.epochs - task.previous.map_or(0.0, |previous| previous.epochs);
        let fails = task.genotype.to_string().ends_with("_7");
        let outcome = if fails { Err(()) } else { Ok(value(world, &task.genotype, task.fidelity.epochs)) };
        if task.fidelity.epochs == EPOCHS {
            best = best.max(outcome.unwrap_or(0.0));
        }
        let done =
            Completed { trial, genotype: task.genotype, fidelity: task.fidelity, outcome, costs: Vec::new() };
        scheduler.tell(strategy.as_mut(), &[done]).unwrap();
    }
    (spent, best)
}

/// Mean epochs and mean best value over twenty seeds.
fn mean(world: World, scheduler: &str, settings: &str) -> (f64, f64) {
    let runs: Vec<(f64, f64)> = (0..20).map(|seed| run(world, scheduler, settings, seed)).collect();
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
    (mean(&|run| run.0), mean(&|run| run.1))
}

#[test]
fn extrapolation_saves_most_epochs_and_keeps_the_best() {
    for world in [World::Independent, World::Crossing] {
        let ((full, best), (spent, kept)) = (mean(world, "none", ""), mean(world, "curve", ""));
        println!("{spent} of {full} epochs, {kept} of {best}");
        assert!(spent < 0.4 * full, "{spent} of {full} epochs");
        assert!(best - kept < 0.0005, "{kept}, not {best}");
    }
}

#[test]
fn where_curves_cross_halving_loses_what_extrapolation_keeps() {
    let (_, kept) = mean(World::Crossing, "curve", "");
    let (_, halved) = mean(World::Crossing, "asha", "eta = 2\nrungs = 5");
    println!("{kept} against {halved}");
    assert!(kept > halved + 0.02, "{kept} against {halved}");
}
