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

/// Height, rate and noise are those of the genotype: `height - 0.6 epochs^-rate`. Early values say little of the height.
fn value(genotype: &Genotype, epochs: f64) -> f64 {
    let digit = |gene: &Gene| if let Gene::Index(i) = gene { u64::from(*i) } else { 0 };
    let number = genotype.genes().iter().fold(0, |number, gene| 20 * number + digit(gene));
    let mut rng = Rng::seed_from_u64(number);
    let (height, rate) = (0.7 + 0.25 * rng.random::<f64>(), 0.3 + 0.7 * rng.random::<f64>());
    let noise = 0.01 * (Rng::seed_from_u64(number ^ epochs.to_bits()).random::<f64>() - 0.5);
    height - 0.6 * epochs.powf(-rate) + noise
}

/// Epochs spent and the best value at full effort, of the first 200 networks that random search draws.
fn run(scheduler: &str, settings: &str, seed: u64) -> (f64, f64) {
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
        let outcome = if fails { Err(()) } else { Ok(value(&task.genotype, task.fidelity.epochs)) };
        if task.fidelity.epochs == EPOCHS {
            best = best.max(outcome.unwrap_or(0.0));
        }
        let done =
            Completed { trial, genotype: task.genotype, fidelity: task.fidelity, outcome, costs: Vec::new() };
        scheduler.tell(strategy.as_mut(), &[done]).unwrap();
    }
    (spent, best)
}

#[test]
fn extrapolation_saves_epochs_and_keeps_the_best() {
    let seeds = 0..20;
    let mean = |scheduler: &str, settings: &str| {
        let runs: Vec<(f64, f64)> = seeds.clone().map(|seed| run(scheduler, settings, seed)).collect();
        let n = runs.len() as f64;
        (runs.iter().map(|r| r.0).sum::<f64>() / n, runs.iter().map(|r| r.1).sum::<f64>() / n)
    };
    let (full, best) = mean("none", "");
    let (spent, kept) = mean("curve", "");
    let (_, halved) = mean("asha", "eta = 2\nrungs = 5");
    println!("full {full} epochs, {best}; curve {spent} epochs, {kept}; asha {halved}");
    assert!(spent < 0.7 * full, "{spent} of {full} epochs");
    assert!(best - kept < 0.002, "{kept}, not {best}");
    assert!(kept > halved, "halving, which compares curves where they are, finds {halved}, not {kept}");
}
