//! Treatments of limits, compared on spaces whose best network within any limit is known.

mod report;
mod treatment;

pub use report::{limit_study_text, write_limit_study};
pub use treatment::Treatment;
use treatment::{Run, Task};

use anyhow::{Context, Result};
use nasmyth_bench::statistics::{mean, mixed, standard_error};
use nasmyth_bench::{Constrained, ConstrainedSize};
use serde::Serialize;
use std::time::Instant;

/// The 97.5 % point of the normal distribution.
const Z: f64 = 1.96;

/// What is compared, and how.
///
/// ```
/// use nasmyth::{LimitStudy, Treatment, study_limits};
///
/// let study = LimitStudy { size: "3x3".parse()?, shares: vec![0.5], steps: 20, noise: 0.0, seeds: 2 };
/// let results = study_limits(&study, &[Treatment::Rejection])?;
/// assert_eq!(results[0].kept[0], 1.0);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LimitStudy {
    /// The spaces: one of this size for each seed.
    pub size: ConstrainedSize,
    /// Limits, each as a share of the way from the lowest to the highest cost.
    pub shares: Vec<f64>,
    /// Steps of a search.
    pub steps: u64,
    /// Standard deviation of the noise of what a step hears; qualities go from 0 to 1.
    pub noise: f64,
    /// Searches of each treatment under each limit, from seed 0.
    pub seeds: u64,
}

/// What became of one treatment under one limit. Three numbers are a value and the ends of its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LimitResult {
    /// The limit, as in [`LimitStudy::shares`].
    pub share: f64,
    /// Name of the treatment.
    pub treatment: String,
    /// Share of results that keep the limit (Wilson's interval).
    pub kept: [f64; 3],
    /// Quality of the best network within the limit, minus that of the results that keep it (mean); none where no result does.
    pub regret: Option<[f64; 3]>,
    /// Mean cost of the results, in limits.
    pub cost: [f64; 3],
    /// Share of the networks drawn on the way that broke the limit (mean over searches).
    pub broken: [f64; 3],
    /// Mean seconds of a search on one core. Not part of what must repeat.
    #[serde(skip)]
    pub seconds: f64,
}

/// Runs all treatments under all limits with all seeds.
///
/// # Errors
/// A space that cannot be made; a strategy that fails.
pub fn study_limits(study: &LimitStudy, treatments: &[Treatment]) -> Result<Vec<LimitResult>> {
    let spaces = (0..study.seeds).map(|seed| Constrained::new(study.size, seed));
    let spaces = spaces.collect::<Result<Vec<_>, _>>()?;
    let pairs = study.shares.iter().flat_map(|&share| treatments.iter().map(move |t| (share, t)));
    pairs.map(|(share, treatment)| study.result(&spaces, share, treatment)).collect()
}

impl LimitStudy {
    fn result(&self, spaces: &[Constrained], share: f64, treatment: &Treatment) -> Result<LimitResult> {
        let (mut kept, mut regrets) = (0u32, Vec::new());
        let (mut costs, mut broken, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
        for (seed, planted) in spaces.iter().enumerate() {
            let bound = planted.bound(share);
            let best = planted.optimum(bound).context("no network keeps the limit")?;
            let task = Task { planted, bound, steps: self.steps, noise: self.noise };
            let started = Instant::now();
            let run = treatment.run(&task, mixed(seed as u64, bound.into()))?;
            seconds.push(started.elapsed().as_secs_f64());
            let Run { found, drawn, broken: broke } = run.context("no network keeps the limit")?;
            let cost = planted.cost(&found);
            costs.push(f64::from(cost) / f64::from(bound).max(1.0));
            broken.push(broke as f64 / drawn.max(1) as f64);
            if cost <= bound {
                kept += 1;
                regrets.push(planted.quality(&best) - planted.quality(&found));
            }
        }
        Ok(LimitResult {
            share,
            treatment: treatment.name(),
            kept: wilson(kept.into(), spaces.len() as f64),
            regret: (!regrets.is_empty()).then(|| interval(&regrets)),
            cost: interval(&costs),
            broken: interval(&broken),
            seconds: mean(&seconds),
        })
    }
}

/// The mean, and its 95 % interval by the normal distribution.
fn interval(values: &[f64]) -> [f64; 3] {
    let (mean, half) = (mean(values), Z * standard_error(values));
    [mean, mean - half, mean + half]
}

/// A share, and its 95 % interval (Wilson 1927).
fn wilson(successes: f64, of: f64) -> [f64; 3] {
    let share = successes / of;
    let weight = Z * Z / of;
    let centre = (share + weight / 2.0) / (1.0 + weight);
    let half = Z / (1.0 + weight) * (share * (1.0 - share) / of + weight / (4.0 * of)).sqrt();
    [share, (centre - half).max(0.0), (centre + half).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_s_interval_is_that_of_the_tables() {
        // 8 of 10: 0.490 to 0.943 (Newcombe 1998, method 3).
        let [share, low, high] = wilson(8.0, 10.0);
        assert!(share == 0.8 && (low - 0.490).abs() < 1e-3 && (high - 0.943).abs() < 1e-3, "{low} {high}");
        assert!((wilson(10.0, 10.0)[1] - 0.722).abs() < 1e-3);
    }

    #[test]
    fn the_same_study_gives_the_same_figures() {
        let size = "4x3:0.5".parse().unwrap();
        let study = LimitStudy { size, shares: vec![0.3, 0.7], steps: 60, noise: 0.05, seeds: 3 };
        let treatments = [Treatment::Rejection, Treatment::Polytope, Treatment::SoftLoss { exponent: 0.6 }];
        let [first, second] = [0, 1].map(|_| study_limits(&study, &treatments).unwrap());
        let repeats =
            |(a, b): (&LimitResult, &LimitResult)| LimitResult { seconds: b.seconds, ..a.clone() } == *b;
        assert!(first.len() == 6 && first.iter().zip(&second).all(repeats));
        for result in first.iter().filter(|result| !result.treatment.starts_with("soft")) {
            assert_eq!(result.kept[0], 1.0, "{result:?}");
            assert!(result.regret.unwrap()[0] >= -1e-9, "{result:?}");
        }
    }
}
