//! Mean regret of strategies on a table, in a few lines:
//! `cargo run --release -p nasmyth-bench --example contest -- TABLE TASK SEEDS TRIALS STRATEGY[,STRATEGY...]`.

use nasmyth_bench::{Contender, Contest, Identity, Table, compare};
use nasmyth_strategy::{Strategy, StrategyError, strategy_named};
use std::error::Error;
use std::path::Path;

type Build = Box<dyn Fn() -> Result<Box<dyn Strategy>, StrategyError> + Sync>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, task, seeds, trials, names] = &arguments[..] else {
        return Err("expected TABLE TASK SEEDS TRIALS STRATEGY[,STRATEGY...]".into());
    };
    let table = Table::open(Path::new(path))?;
    let benchmark = table.task(Some(task))?;
    let build = |name: &str| -> Result<(String, Build), StrategyError> {
        let kind = strategy_named(name)?;
        Ok((name.to_owned(), Box::new(|| kind.make(&Default::default()))))
    };
    let builds = names.split(',').map(build).collect::<Result<Vec<_>, _>>()?;
    let contenders: Vec<Contender> =
        builds.iter().map(|(name, build)| Contender { name: name.clone(), build: &**build }).collect();
    let contest = Contest {
        seeds: seeds.parse()?,
        trials: trials.parse()?,
        parallel: 1,
        at: vec![50, 80, 100, 150],
        regrets: Vec::new(),
        threads: std::thread::available_parallelism()?.get(),
    };
    let comparison = compare(&benchmark, &contenders, &contest, Identity::Class)?;
    println!("{}, best {:.3}", comparison.benchmark, comparison.best);
    for strategy in &comparison.strategies {
        print!("{:24}", strategy.strategy);
        for at in [50, 80, 100, 150, contest.trials] {
            let point = strategy.curve.get(at - 1).map_or(f64::NAN, |c| c.regret);
            print!("  {at}: {point:.3}");
        }
        println!("  {:.3} s a run", strategy.thinking);
    }
    for pair in comparison.pairs.iter().filter(|pair| pair.evaluations == 150) {
        println!("150: {} - {}: {:+.3}, p {:.1e}", pair.first, pair.second, pair.difference, pair.p);
    }
    Ok(())
}
