//! Schedulers promote whom their papers promote.

use nasmyth_space::{Genotype, Rng, Space, SpaceError, Tree};
use nasmyth_strategy::{
    Completed, Next, Origin, Problem, SCHEDULERS, Scheduler, Strategy, Task, no_costs, scheduler_named,
    strategy_named,
};
use rand::SeedableRng;

/// Three genes of ten values, never lowered.
fn space() -> Space {
    let genes = (0..3).map(|i| Tree::choice(format!("g{i}"), (0..10).collect::<Vec<i64>>()));
    Space::new("digits", "Three digits.", Tree::group(genes.collect::<Vec<_>>()), |_| {
        Err(SpaceError::GenotypeText { text: String::new(), got: "no network".into(), position: 1 })
    })
    .unwrap()
}

fn value(genotype: &Genotype) -> f64 {
    genotype.to_string().split('_').fold(0.0, |sum, digit| 10.0 * sum + digit.parse::<f64>().unwrap())
}

/// Runs `trials` trials, each told `delay` trials later; every eleventh fails.
struct Search {
    scheduler: Box<dyn Scheduler>,
    strategy: Box<dyn Strategy>,
    tasks: Vec<Task>,
    told: usize,
    known: Vec<Genotype>,
}

impl Search {
    fn new(scheduler: &str, settings: &str) -> Self {
        let random = strategy_named("random").unwrap().make(&toml::Table::new()).unwrap();
        Self::with(random, scheduler, settings)
    }

    fn with(strategy: Box<dyn Strategy>, scheduler: &str, settings: &str) -> Self {
        let scheduler = scheduler_named(scheduler).unwrap().make(&settings.parse().unwrap(), 9.0).unwrap();
        Self { scheduler, strategy, tasks: Vec::new(), told: 0, known: Vec::new() }
    }

    fn outcome(&self, trial: usize) -> Result<f64, ()> {
        if trial % 11 == 5 { Err(()) } else { Ok(value(&self.tasks[trial].genotype)) }
    }

    fn tell(&mut self) {
        let (trial, task) = (self.told, self.tasks[self.told].clone());
        let outcome = self.outcome(trial);
        let done = Completed {
            trial: trial as u64,
            genotype: task.genotype,
            fidelity: task.fidelity,
            outcome,
            costs: Vec::new(),
        };
        self.scheduler.tell(self.strategy.as_mut(), &[done]).unwrap();
        self.told += 1;
    }

    fn run(&mut self, trials: usize, delay: usize) {
        let space = space();
        while self.tasks.len() < trials {
            let known = |genotype: &Genotype| self.known.contains(genotype);
            let problem = Problem { space: &space, violation: &|_| 0.0, known: &known, costs: &no_costs };
            let mut rng = Rng::seed_from_u64(self.tasks.len() as u64);
            match self.scheduler.next(self.strategy.as_mut(), &problem, &mut rng).unwrap() {
                Next::Run(task) => {
                    self.known.push(task.genotype.clone());
                    self.tasks.push(task);
                }
                Next::Wait => self.tell(),
                Next::Exhausted => return,
            }
            while self.tasks.len() - self.told > delay {
                self.tell();
            }
        }
    }

    /// Values on a rung that were told before the trial was asked for.
    fn rung(&self, rung: u32, before: usize) -> Vec<f64> {
        let on_rung = |i: &usize| self.tasks[*i].fidelity.rung == rung;
        (0..before).filter(on_rung).map(|i| self.outcome(i).unwrap_or(f64::NEG_INFINITY)).collect()
    }
}

#[test]
fn asha_promotes_the_best_third_at_once() {
    let mut search = Search::new("asha", "eta = 3\nrungs = 3");
    search.run(120, 0);
    for (trial, task) in search.tasks.iter().enumerate().filter(|(_, task)| task.origin == Origin::Promotion)
    {
        let previous = task.previous.unwrap();
        assert_eq!((previous.rung + 1, previous.epochs * 3.0), (task.fidelity.rung, task.fidelity.epochs));
        let rung = search.rung(previous.rung, trial);
        let better = rung.iter().filter(|other| **other > value(&task.genotype)).count();
        assert!(
            better < rung.len() / 3,
            "trial {trial} was promoted as number {} of {}",
            better + 1,
            rung.len()
        );
    }
    let count = |rung| search.tasks.iter().filter(|task| task.fidelity.rung == rung).count();
    assert!(count(0) > 2 * count(1) && count(1) > 2 * count(2) && count(2) > 3);
    assert_eq!(search.tasks[0].fidelity.epochs, 1.0);
}

#[test]
fn successive_halving_works_in_brackets() {
    let mut search = Search::new("successive-halving", "candidates = 9\neta = 3\nrungs = 3");
    search.run(26, 4);
    let rungs: Vec<u32> = search.tasks.iter().map(|task| task.fidelity.rung).collect();
    let bracket = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2];
    assert_eq!(rungs, [bracket, bracket].concat());
    let mut first = search.rung(0, 9);
    first.sort_by(|a, b| b.total_cmp(a));
    let promoted: Vec<f64> = search.tasks[9..12].iter().map(|task| value(&task.genotype)).collect();
    assert_eq!(promoted, first[..3]);
    assert_eq!(search.tasks[12].fidelity.epochs, 9.0);
}

#[test]
fn hyperband_begins_its_brackets_ever_higher() {
    let mut search = Search::new("hyperband", "eta = 3\nrungs = 3");
    search.run(52, 4);
    let rungs: Vec<u32> = search.tasks.iter().map(|task| task.fidelity.rung).collect();
    let brackets = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 1, 1, 1, 1, 1, 2, 2, 2, 2];
    assert_eq!(rungs[..22], brackets);
    assert_eq!(rungs[22..44], brackets);
    let mut begun = search.rung(1, 18)[3..].to_vec();
    begun.sort_by(|a, b| b.total_cmp(a));
    assert_eq!(value(&search.tasks[18].genotype), begun[0]);
}

#[test]
fn tpe_under_hyperband_learns_from_all_brackets() {
    let settings = "start = 10\nrandom = 0.333".parse().unwrap();
    let tpe = strategy_named("tpe").unwrap().make(&settings).unwrap();
    let mut bohb = Search::with(tpe, "hyperband", "eta = 3\nrungs = 3");
    bohb.run(220, 4);
    let mean = |tasks: &[Task], origin| {
        let values = tasks.iter().filter(|t| t.origin == origin).map(|t| value(&t.genotype));
        let values: Vec<f64> = values.collect();
        assert!(values.len() > 10, "{} {origin}", values.len());
        values.iter().sum::<f64>() / values.len() as f64
    };
    let (model, random) = (mean(&bohb.tasks, Origin::Model), mean(&bohb.tasks, Origin::Random));
    assert!(model > random + 150.0, "{model} against {random}");
}

#[test]
fn all_end_when_the_space_is_exhausted() {
    for kind in SCHEDULERS {
        let name = kind.name;
        let mut search = Search::new(name, "");
        search.run(100_000, 3);
        let base = search.tasks.iter().filter(|task| task.previous.is_none()).count();
        assert_eq!(base, 1000, "{name}");
        while search.told < search.tasks.len() {
            search.tell();
        }
    }
}
