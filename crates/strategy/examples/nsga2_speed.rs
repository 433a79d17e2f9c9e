//! Time of `nsga2` for 100,000 evaluations with a population of 50, on ZDT1 (Zitzler, Deb and Thiele 2000) with 30 numbers:
//! `cargo run --release -p nasmyth-strategy --example nsga2_speed`.

use nasmyth_space::{Gene, Genotype, Space, SpaceError, Tree};
use nasmyth_strategy::pareto::{front, hypervolume};
use nasmyth_strategy::{Completed, Fidelity, Problem, Rng, strategy_named};
use rand::SeedableRng;
use std::cell::RefCell;
use std::collections::HashSet;
use std::error::Error;
use std::time::Instant;

const DIMENSIONS: usize = 30;
const TRIALS: u64 = 100_000;

/// Both objectives, to be small: x1, and what falls with its root once the others are zero.
fn zdt1(genotype: &Genotype) -> [f64; 2] {
    let number = |gene: &Gene| if let Gene::Real(x) = gene { *x } else { f64::from(u8::MAX) };
    let x: Vec<f64> = genotype.genes().iter().map(number).collect();
    let g = 1.0 + 9.0 * x[1..].iter().sum::<f64>() / (DIMENSIONS - 1) as f64;
    [x[0], g * (1.0 - (x[0] / g).sqrt())]
}

fn main() -> Result<(), Box<dyn Error>> {
    let tree = Tree::group((0..DIMENSIONS).map(|i| Tree::real(format!("x{i}"), 0.0..=1.0)));
    let space = Space::new("zdt1", "", tree, |_| {
        Err(SpaceError::GenotypeText { text: String::new(), got: "no network".into(), position: 1 })
    })?;
    let known: RefCell<HashSet<Genotype>> = RefCell::default();
    let is_known = |genotype: &Genotype| known.borrow().contains(genotype);
    let costs = |genotype: &Genotype| vec![zdt1(genotype)[1]];
    let problem = Problem { space: &space, violation: &|_| 0.0, known: &is_known, costs: &costs };
    let mut strategy = strategy_named("nsga2")?.make(&"population = 50".parse()?)?;
    let (started, mut points) = (Instant::now(), Vec::new());
    for trial in 0..TRIALS {
        let mut rng = Rng::seed_from_u64(trial);
        for proposal in strategy.ask(&problem, 1, &mut rng)? {
            let (genotype, fidelity) = (proposal.genotype, Fidelity { rung: 0, epochs: 1.0 });
            let [first, second] = zdt1(&genotype);
            points.push(vec![-first, -second]);
            known.borrow_mut().insert(genotype.clone());
            let (outcome, costs) = (Ok(-first), vec![second]);
            strategy.tell(&[Completed { trial, genotype, fidelity, outcome, costs }])?;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let best: Vec<Vec<f64>> = front(&points).into_iter().map(|i| points[i].clone()).collect();
    // Below (1.1, 1.1) the true front has the hypervolume 0.1 + 2/3 + 0.11 = 0.8767.
    println!(
        "{seconds:.2} s, {} on the front, hypervolume {:.4}",
        best.len(),
        hypervolume(&best, &[-1.1, -1.1])
    );
    Ok(())
}
