//! Many strategies with many seeds, and what may be concluded.
//!
//! The protocol follows Lindauer and Hutter (2020, "Best Practices for Scientific Research on NAS"), Yang, Esperança and Carlucci (2020,
//! "NAS evaluation is frustratingly hard": relative improvement over random) and Demšar (2006: paired Wilcoxon tests, Holm's
//! correction).

use crate::curve::{over_evaluations, over_time, regrets, step};
use crate::statistics::{holm, mean, wilcoxon};
use crate::{BenchError, Benchmark, Budget, Curve, Identity, Moment, Replay, replay};
use nasmyth_strategy::{Scheduler, Strategy, StrategyError};
use serde::Serialize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A strategy that takes part, under a scheduler.
pub struct Contender<'a> {
    /// Name, for reports.
    pub name: String,
    /// Makes a fresh one.
    pub build: &'a (dyn Fn() -> Result<Box<dyn Strategy>, StrategyError> + Sync),
    /// Makes a fresh scheduler for a full effort of so many epochs.
    pub schedule: &'a (dyn Fn(f64) -> Result<Box<dyn Scheduler>, StrategyError> + Sync),
}

/// What is compared, and how.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contest {
    /// Seeds of each strategy, from 0.
    pub seeds: u64,
    /// Evaluations of each run.
    pub trials: usize,
    /// Trials at the same time.
    pub parallel: usize,
    /// Numbers of evaluations at which strategies are tested against each other; the last one is added.
    pub at: Vec<usize>,
    /// The strategy that all others are tested against; all pairs are tested without.
    pub against: Option<String>,
    /// Regrets for which the evaluations until they are reached are told.
    pub regrets: Vec<f64>,
    /// Threads; the result does not depend on them.
    #[serde(skip)]
    pub threads: usize,
}

/// One strategy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Its name.
    pub strategy: String,
    /// Its regret after each evaluation.
    pub curve: Vec<Curve>,
    /// Its regret over simulated time, at the same moments for all strategies.
    pub time: Vec<Moment>,
    /// Mean regret over all evaluations: area under the curve, divided by their number.
    pub area: f64,
    /// For each of the contest's regrets: evaluations until the mean regret is that small; none if never.
    pub until: Vec<Option<usize>>,
    /// Mean score of the last incumbents.
    pub score: f64,
    /// `100 (score - random) / |random|`, in percent, with random search's mean score after as many evaluations.
    pub improvement: f64,
    /// Share of proposals that were answered from the cache.
    pub cached: f64,
    /// Mean time of the strategy itself in a run, in seconds. Not part of what must repeat.
    #[serde(skip)]
    pub thinking: f64,
}

/// Two strategies against each other, seed by seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The one.
    pub first: String,
    /// The other.
    pub second: String,
    /// Evaluations.
    pub evaluations: usize,
    /// Mean regret of the first minus that of the second: negative if the first is better.
    pub difference: f64,
    /// Two-sided p-value of Wilcoxon's signed-rank test.
    pub p: f64,
    /// The same after Holm's correction over all tested pairs at this number of evaluations.
    pub holm: f64,
}

/// The result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The benchmark.
    pub benchmark: String,
    /// Quality of the best there is.
    pub best: f64,
    /// How it was compared.
    pub contest: Contest,
    /// The strategies, as they were given.
    pub strategies: Vec<Summary>,
    /// The tested pairs, at each number of evaluations.
    pub pairs: Vec<Pair>,
}

/// Runs all strategies with all seeds.
///
/// # Errors
/// No strategy or no seed; a strategy that fails.
pub fn compare(
    benchmark: &dyn Benchmark,
    contenders: &[Contender<'_>],
    contest: &Contest,
    identity: Identity,
) -> Result<Comparison, BenchError> {
    let none = |what, got: usize| BenchError::Contest {
        what,
        expected: "at least 1".to_owned(),
        got: got.to_string(),
    };
    for (what, got) in
        [("strategies", contenders.len()), ("seeds", contest.seeds as usize), ("trials", contest.trials)]
    {
        (got > 0).then_some(()).ok_or_else(|| none(what, got))?;
    }
    let names = || contenders.iter().map(|contender| contender.name.as_str());
    if let Some(against) = contest.against.as_ref().filter(|against| names().all(|name| name != *against)) {
        return Err(BenchError::Contest {
            what: "the strategy to test against",
            expected: format!("one of {}", names().collect::<Vec<_>>().join(", ")),
            got: against.clone(),
        });
    }
    let replays = run_all(benchmark, contenders, contest, identity)?;
    let best = benchmark.best();
    let step = step(&replays);
    let regrets: Vec<Vec<Vec<f64>>> =
        replays.iter().map(|r| r.iter().map(|r| regrets(r, best, contest.trials)).collect()).collect();
    let mut strategies: Vec<Summary> = (contenders.iter().zip(&replays).zip(&regrets))
        .map(|((contender, replays), regrets)| {
            let curves = (over_evaluations(replays, regrets), over_time(replays, regrets, step));
            summary(&contender.name, replays, curves, best, contest)
        })
        .collect();
    let random = strategies.iter().find(|s| s.strategy == "random").map(|s| s.score);
    for strategy in &mut strategies {
        strategy.improvement = random.map_or(f64::NAN, |r| 100.0 * (strategy.score - r) / r.abs());
    }
    let mut at: Vec<usize> = contest.at.iter().copied().filter(|n| (1..contest.trials).contains(n)).collect();
    at.push(contest.trials);
    let pairs = at.iter().flat_map(|&n| pairs(contenders, &regrets, n, contest)).collect();
    Ok(Comparison { benchmark: benchmark.name(), best, contest: contest.clone(), strategies, pairs })
}

/// For each strategy, for each seed.
fn run_all(
    benchmark: &dyn Benchmark,
    contenders: &[Contender<'_>],
    contest: &Contest,
    identity: Identity,
) -> Result<Vec<Vec<Replay>>, BenchError> {
    let seeds = contest.seeds as usize;
    let budget = Budget { trials: contest.trials, parallel: contest.parallel };
    let jobs = contenders.len() * seeds;
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(jobs)));
    let work = || {
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= jobs {
                return;
            }
            let contender = &contenders[job / seeds];
            let epochs = *benchmark.efforts().last().unwrap_or(&1.0);
            let made = (contender.build)().and_then(|s| Ok((s, (contender.schedule)(epochs)?)));
            let result = made.map_err(BenchError::from).and_then(|(strategy, scheduler)| {
                replay(benchmark, strategy, scheduler, budget, identity, (job % seeds) as u64)
            });
            done.lock().unwrap_or_else(PoisonError::into_inner).push((job, result));
        }
    };
    std::thread::scope(|scope| {
        (1..contest.threads.max(1)).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|d| d.0);
    let replays = done.into_iter().map(|d| d.1).collect::<Result<Vec<_>, _>>()?;
    Ok(replays.chunks(seeds).map(<[Replay]>::to_vec).collect())
}

fn summary(
    name: &str,
    replays: &[Replay],
    (curve, time): (Vec<Curve>, Vec<Moment>),
    best: f64,
    contest: &Contest,
) -> Summary {
    let until = |goal: &f64| curve.iter().find(|c| c.regret <= *goal).map(|c| c.evaluations);
    let all = replays.iter().map(|r| r.evaluations.len()).sum::<usize>().max(1);
    let cached = replays.iter().flat_map(|r| &r.evaluations).filter(|e| e.cached).count();
    let thinking: Vec<f64> = replays.iter().map(|r| r.thinking.as_secs_f64()).collect();
    Summary {
        strategy: name.to_owned(),
        area: mean(&curve.iter().map(|c| c.regret).collect::<Vec<_>>()),
        until: contest.regrets.iter().map(until).collect(),
        score: best - curve.last().map_or(f64::NAN, |c| c.regret),
        improvement: f64::NAN,
        cached: cached as f64 / all as f64,
        thinking: mean(&thinking),
        curve,
        time,
    }
}

/// The pairs of strategies that are to be tested, after `n` evaluations.
fn pairs(contenders: &[Contender<'_>], regrets: &[Vec<Vec<f64>>], n: usize, contest: &Contest) -> Vec<Pair> {
    let tested = |i: usize| contest.against.as_ref().is_none_or(|against| contenders[i].name == *against);
    let at = |i: usize| -> Vec<f64> { regrets[i].iter().map(|r| r[n - 1]).collect() };
    let both = (0..contenders.len()).flat_map(|i| (i + 1..contenders.len()).map(move |j| (i, j)));
    let mut pairs: Vec<Pair> = both
        .filter(|&(i, j)| tested(i) || tested(j))
        .map(|(i, j)| {
            let differences: Vec<f64> = at(i).iter().zip(at(j)).map(|(a, b)| a - b).collect();
            Pair {
                first: contenders[i].name.clone(),
                second: contenders[j].name.clone(),
                evaluations: n,
                difference: mean(&differences),
                p: wilcoxon(&differences),
                holm: 1.0,
            }
        })
        .collect();
    let corrected = holm(&pairs.iter().map(|p| p.p).collect::<Vec<_>>());
    pairs.iter_mut().zip(corrected).for_each(|(pair, p)| pair.holm = p);
    pairs
}
