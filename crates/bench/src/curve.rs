//! Regret over evaluations and over simulated time: means over seeds, with intervals.

use crate::Replay;
use crate::statistics::{mean, standard_error};
use serde::Serialize;

/// Normal quantile of a 95 % interval.
const Z: f64 = 1.96;
/// Moments at which the longest curve over time is told.
const MOMENTS: usize = 200;

/// One point of a regret curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// Evaluations.
    pub evaluations: usize,
    /// Mean regret over the seeds: best score of all minus score of the incumbent.
    pub regret: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Mean simulated seconds.
    pub seconds: f64,
}

/// One point of a regret curve over simulated time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// Simulated seconds.
    pub seconds: f64,
    /// Mean regret over the seeds of what had been evaluated by then.
    pub regret: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Mean and its interval.
fn interval(values: &[f64]) -> [f64; 3] {
    let (mean, half) = (mean(values), Z * standard_error(values));
    [mean, mean - half, mean + half]
}

/// Regret after each evaluation. Runs that end early, having tried everything, stay where they are; before the first score, the
/// regret is that of the worst.
pub(crate) fn regrets(replay: &Replay, best: f64, trials: usize) -> Vec<f64> {
    let mut regrets: Vec<f64> =
        replay.evaluations.iter().map(|e| best - e.incumbent.unwrap_or(0.0)).collect();
    let last = regrets.last().copied().unwrap_or(best);
    regrets.resize(trials, last);
    regrets
}

/// The curve over evaluations; `regrets` has those of each replay.
pub(crate) fn over_evaluations(replays: &[Replay], regrets: &[Vec<f64>]) -> Vec<Curve> {
    let point = |i: usize| {
        let [regret, low, high] = interval(&regrets.iter().map(|r| r[i]).collect::<Vec<_>>());
        let seconds = |r: &Replay| r.evaluations.get(i).or(r.evaluations.last()).map_or(0.0, |e| e.seconds);
        let seconds = mean(&replays.iter().map(seconds).collect::<Vec<_>>());
        Curve { evaluations: i + 1, regret, low, high, seconds }
    };
    (0..regrets.first().map_or(0, Vec::len)).map(point).collect()
}

/// Simulated seconds between two moments, so that even the longest of all replays has few.
pub(crate) fn step(replays: &[Vec<Replay>]) -> f64 {
    let longest = replays.iter().flatten().map(seconds).fold(0.0, f64::max);
    longest / MOMENTS as f64
}

/// The curve over simulated time: from when all replays have a first score to when the first of them ends.
pub(crate) fn over_time(replays: &[Replay], regrets: &[Vec<f64>], step: f64) -> Vec<Moment> {
    let until = replays.iter().map(seconds).fold(f64::INFINITY, f64::min);
    let moment = |i: usize| {
        let seconds = i as f64 * step;
        let at = |(replay, regrets): (&Replay, &Vec<f64>)| {
            let over = replay.evaluations.partition_point(|e| e.seconds <= seconds);
            let last = over.checked_sub(1)?;
            replay.evaluations[last].incumbent.map(|_| regrets[last])
        };
        let regrets = replays.iter().zip(regrets).map(at).collect::<Option<Vec<f64>>>()?;
        let [regret, low, high] = interval(&regrets);
        Some(Moment { seconds, regret, low, high })
    };
    let within = |i: &usize| *i as f64 * step <= until * (1.0 + 1e-9);
    if step > 0.0 { (1..=MOMENTS).take_while(within).filter_map(moment).collect() } else { Vec::new() }
}

/// Simulated seconds of a whole replay.
fn seconds(replay: &Replay) -> f64 {
    replay.evaluations.last().map_or(0.0, |e| e.seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Evaluation;

    /// Evaluations that end at these seconds with these incumbents.
    fn replay(points: &[(f64, Option<f64>)]) -> Replay {
        let genotype: nasmyth_space::Genotype = "0".parse().unwrap();
        let evaluation = |&(seconds, incumbent): &(f64, Option<f64>)| Evaluation {
            genotype: genotype.clone(),
            effort: 0,
            signal: incumbent,
            incumbent,
            seconds,
            cached: false,
        };
        Replay { evaluations: points.iter().map(evaluation).collect(), ..Replay::default() }
    }

    #[test]
    fn at_each_moment_the_regret_is_that_of_the_last_evaluation_before() {
        let one = replay(&[(50.0, Some(1.0)), (100.0, Some(2.0)), (200.0, Some(4.0))]);
        let two = replay(&[(20.0, None), (60.0, Some(3.0)), (150.0, Some(4.0))]);
        let replays = [one, two];
        let regrets: Vec<Vec<f64>> = replays.iter().map(|r| super::regrets(r, 4.0, 3)).collect();
        let curve = over_time(&replays, &regrets, 1.0);
        assert_eq!((curve[0].seconds, curve.last().unwrap().seconds), (60.0, 150.0));
        let at = |seconds: f64| curve.iter().find(|m| m.seconds == seconds).unwrap().regret;
        assert_eq!((at(60.0), at(99.0), at(100.0), at(149.0), at(150.0)), (2.0, 2.0, 1.5, 1.5, 1.0));
    }

    #[test]
    fn without_time_there_is_no_curve_over_time() {
        let replays = vec![vec![replay(&[(0.0, Some(1.0))])]];
        assert!(over_time(&replays[0], &[vec![0.0]], step(&replays)).is_empty());
    }
}
