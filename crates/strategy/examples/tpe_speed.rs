//! Time of `tpe` for 1,000 trials in 40 dimensions, and what it finds:
//! `cargo run --release -p nasmyth-strategy --example tpe_speed -- [SETTING=VALUE ...]`.

use nasmyth_space::{Gene, Genotype, Space, SpaceError, Tree};
use nasmyth_strategy::{Completed, Fidelity, Problem, Rng, no_costs, strategy_named};
use rand::SeedableRng;
use std::cell::RefCell;
use std::collections::HashSet;
use std::error::Error;
use std::time::Instant;

const DIMENSIONS: usize = 40;
const TRIALS: u64 = 1000;

/// The negative distance of numbers from 0.3, squared, or how many categories are the second.
fn value(genotype: &Genotype) -> f64 {
    let gene = |gene: &Gene| match gene {
        Gene::Real(x) => -(x - 0.3).powi(2),
        Gene::Index(i) => f64::from(u8::from(*i == 1)),
    };
    genotype.genes().iter().map(gene).sum()
}

fn time(name: &str, settings: &str, gene: impl Fn(String) -> Tree) -> Result<(), Box<dyn Error>> {
    let tree = Tree::group((0..DIMENSIONS).map(|i| gene(format!("x{i}"))));
    let space = Space::new(name, "", tree, |_| {
        Err(SpaceError::GenotypeText { text: String::new(), got: "no network".into(), position: 1 })
    })?;
    let known: RefCell<HashSet<Genotype>> = RefCell::default();
    let is_known = |genotype: &Genotype| known.borrow().contains(genotype);
    let problem = Problem { space: &space, violation: &|_| 0.0, known: &is_known, costs: &no_costs };
    let mut strategy = strategy_named("tpe")?.make(&settings.parse()?)?;
    let (started, mut best) = (Instant::now(), f64::NEG_INFINITY);
    for trial in 0..TRIALS {
        let mut rng = Rng::seed_from_u64(trial);
        for proposal in strategy.ask(&problem, 1, &mut rng)? {
            let (genotype, fidelity) = (proposal.genotype, Fidelity { rung: 0, epochs: 1.0 });
            best = best.max(value(&genotype));
            known.borrow_mut().insert(genotype.clone());
            let outcome = Ok(value(&genotype));
            strategy.tell(&[Completed { trial, genotype, fidelity, outcome, costs: Vec::new() }])?;
        }
    }
    println!("{name}: {:.3} s, best {best:.3}", started.elapsed().as_secs_f64());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let settings = std::env::args().skip(1).collect::<Vec<_>>().join("\n");
    time("numbers", &settings, |name| Tree::real(name, -1.0..=1.0))?;
    time("categories", &settings, |name| Tree::choice(name, ["a", "b", "c", "d", "e"]))
}
