//! Whether the machine was quiet enough for a figure to mean something.
//!
//! Other programs that take the core away make a few readings much longer; the median does not mind. What moves it is a
//! neighbour that shares caches or the clock. Those come and go: slowly, which shows in the medians of consecutive blocks, or so
//! fast that all blocks are alike; then there are some readings that are much faster than the median. One that stays all the
//! time is only seen in the counters of the system.

use crate::statistics::{median, quantile, sorted};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display};

/// Largest spread of medians, as a share of the median, at which figures are taken for comparable.
pub const LARGEST_SPREAD: f64 = 0.05;

/// Largest excess of the median over the fastest readings, as a share of those.
const LARGEST_SLOWDOWN: f64 = 0.10;
/// The share of readings that counts as the fastest.
const FASTEST: f64 = 0.01;

/// Largest share of the machine's cores that others may use.
const LARGEST_LOAD: f64 = 0.10;

const BLOCKS: usize = 10;
const LEAST_IN_BLOCK: usize = 10;

/// Why a figure is not to be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// The medians of blocks of readings differ by this share of the median.
    Unsteady(f64),
    /// The median is longer by this share than the fastest hundredth of the readings.
    Slowed(f64),
    /// Other programs used this share of the time of all cores.
    Loaded(f64),
    /// So few readings that nothing can be said: measure for a longer time.
    TooFewReadings(usize),
}

impl Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsteady(spread) => write!(
                f,
                "the machine is too noisy to tell: medians moved by {:.1} % while it was measured (at most {:.0} % is fine)",
                100.0 * spread,
                100.0 * LARGEST_SPREAD
            ),
            Self::Slowed(share) => write!(
                f,
                "the machine is too noisy to tell: half of the readings took {:.1} % longer than the fastest hundredth (at most \
                 {:.0} % is fine)",
                100.0 * share,
                100.0 * LARGEST_SLOWDOWN
            ),
            Self::Loaded(share) => write!(
                f,
                "the machine is too noisy to tell: other programs used {:.0} % of its cores (at most {:.0} % is fine)",
                100.0 * share,
                100.0 * LARGEST_LOAD
            ),
            Self::TooFewReadings(n) => {
                write!(
                    f,
                    "{n} readings are too few to tell whether the machine is noisy: measure for a longer time"
                )
            }
        }
    }
}

/// What is wrong with readings `series` in the order of time, if anything.
pub fn noise(series: &[f64]) -> Option<Noise> {
    let blocks = block_medians(series);
    if blocks.len() < 2 {
        return Some(Noise::TooFewReadings(series.len()));
    }
    let spread = spread(&blocks);
    if spread > LARGEST_SPREAD {
        return Some(Noise::Unsteady(spread));
    }
    let sorted = sorted(series);
    let slowdown = median(&sorted) / quantile(&sorted, FASTEST) - 1.0;
    (slowdown > LARGEST_SLOWDOWN).then_some(Noise::Slowed(slowdown))
}

/// What is wrong when others used `share` of the time of all cores, if anything: readings cannot show a neighbour that stays all the time.
pub fn noise_of_load(share: f64) -> Option<Noise> {
    (share > LARGEST_LOAD).then_some(Noise::Loaded(share))
}

/// The difference of the largest and the smallest value, as a share of the median.
pub fn spread(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else { return 0.0 };
    (most - least) / median(&sorted)
}

/// The medians of up to ten blocks of the same length, one after the other, with at least ten readings each; the first
/// readings that do not fill a block belong to none.
pub(crate) fn block_medians(series: &[f64]) -> Vec<f64> {
    let blocks = BLOCKS.min(series.len() / LEAST_IN_BLOCK);
    if blocks == 0 {
        return Vec::new();
    }
    series.rchunks_exact(series.len() / blocks).take(blocks).map(|block| median(&sorted(block))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Readings around 1 that vary by 2 %, changed by `f(index, reading)`.
    fn series(n: usize, f: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        (0..n).map(|i| f(i, 1.0 + 0.02 * (rng.random::<f64>() - 0.5))).collect()
    }

    #[test]
    fn a_quiet_machine_and_one_that_takes_the_core_away_are_fine() {
        assert_eq!(noise(&series(1000, |_, r| r)), None);
        assert_eq!(noise(&series(40, |_, r| r)), None);
        let interrupted = |i, r| if i % 9 == 0 { 300.0 * r } else { r };
        assert_eq!(noise(&series(1000, interrupted)), None);
    }

    #[test]
    fn drift_steps_and_pauses_are_noise() {
        let drift = |i, r| r * (1.0 + 0.1 * i as f64 / 1000.0);
        let step = |i, r| if i < 350 { r } else { 1.2 * r };
        let pause = |i, r| if (600..720).contains(&i) { 1.5 * r } else { r };
        for (name, noisy) in
            [("drift", series(1000, drift)), ("step", series(1000, step)), ("pause", series(1000, pause))]
        {
            assert!(matches!(noise(&noisy), Some(Noise::Unsteady(s)) if s > 0.05 && s < 0.6), "{name}");
        }
        let slight = |i, r| r * (1.0 + 0.03 * i as f64 / 1000.0);
        assert_eq!(noise(&series(1000, slight)), None);
    }

    #[test]
    fn a_neighbour_that_leaves_a_moment_now_and_then_is_noise() {
        let neighbour = |i, r| if i % 25 == 0 { r } else { 1.3 * r };
        assert!(matches!(noise(&series(1000, neighbour)), Some(Noise::Slowed(s)) if (s - 0.3).abs() < 0.04));
        let light = |i, r| if i % 25 == 0 { r } else { 1.06 * r };
        assert_eq!(noise(&series(1000, light)), None);
    }

    #[test]
    fn a_busy_machine_is_noise() {
        assert_eq!(noise_of_load(0.5), Some(Noise::Loaded(0.5)));
        assert_eq!(noise_of_load(0.02), None);
    }

    #[test]
    fn few_readings_say_so() {
        assert_eq!(noise(&series(19, |_, r| r)), Some(Noise::TooFewReadings(19)));
        assert_eq!(noise(&[]), Some(Noise::TooFewReadings(0)));
    }

    #[test]
    fn spread_by_hand() {
        assert_eq!(spread(&[3.0, 2.0, 1.5]), 0.75);
        assert_eq!(spread(&[]), 0.0);
    }
}
