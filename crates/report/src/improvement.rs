//! The found network against the random first trials of the same run.
//!
//! Relative improvement over random sampling, `RI = (found - mean) / mean` (Yang, Esperança and Carlucci 2020,
//! "NAS evaluation is frustratingly hard", section 3): a good space makes every network good, and only what the search
//! adds beyond chance is the search's own.

use crate::{Report, Trial};

/// How much better the found network is than the mean random network, both at one fidelity.
#[derive(Clone, Debug, PartialEq)]
pub struct Improvement {
    /// Value of the found network.
    pub found: f64,
    /// Mean of the random networks.
    pub mean: f64,
    /// Best of the random networks.
    pub best_random: f64,
    /// Number of random networks.
    pub n: usize,
    /// `(found - mean) / mean` in per cent, positive for better.
    pub percent: f64,
    /// 95 % interval of `percent`, from the t-interval of the mean; open (infinite) at the end where that reaches zero,
    /// none for a single random network.
    pub interval: Option<(f64, f64)>,
}

impl Improvement {
    /// Whether the interval holds zero (or does not exist): then the run shows no gain over chance.
    pub fn may_be_nothing(&self) -> bool {
        self.interval.is_none_or(|(low, high)| low <= 0.0 && high >= 0.0)
    }
}

/// Why there is nothing to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoImprovement {
    /// The run found no network.
    NothingFound,
    /// No trial is marked as random.
    NoRandomTrials,
    /// No random trial was evaluated at a fidelity that the found network was evaluated at.
    NoCommonFidelity,
    /// The random networks' mean is zero or of another sign than the metric's scale.
    ZeroMean,
}

/// The found network of a report against its random trials, at the fidelity with the most random trials; and the trial
/// of the found network at that fidelity.
///
/// # Errors
/// Why there is nothing to compare.
pub fn improvement(report: &Report) -> Result<(Improvement, &Trial), NoImprovement> {
    let best = report.best_trial().ok_or(NoImprovement::NothingFound)?;
    let done = || report.trials.iter().filter(|t| t.finite_value().is_some());
    if !done().any(|t| t.origin == "random") {
        return Err(NoImprovement::NoRandomTrials);
    }
    let random_at = |rung: usize, epochs: f64| -> Vec<f64> {
        let same = done().filter(|t| t.origin == "random" && t.rung == rung && t.epochs == epochs);
        same.filter_map(|t| t.finite_value()).collect()
    };
    let of_best =
        done().filter(|t| t.trial == best.trial || (t.genotype == best.genotype && !t.genotype.is_empty()));
    let comparable = of_best.map(|t| (t, random_at(t.rung, t.epochs)));
    let (trial, random) = comparable
        .max_by(|a, b| a.1.len().cmp(&b.1.len()).then(a.0.epochs.total_cmp(&b.0.epochs)))
        .filter(|(_, random)| !random.is_empty())
        .ok_or(NoImprovement::NoCommonFidelity)?;
    let found = trial.finite_value().ok_or(NoImprovement::NothingFound)?;
    let result = relative_improvement(found, &random, report.metric.higher_is_better);
    Ok((result.ok_or(NoImprovement::ZeroMean)?, trial))
}

/// `found` against the values of random networks; `None` without any, or where their mean is not positive.
pub fn relative_improvement(found: f64, random: &[f64], higher_is_better: bool) -> Option<Improvement> {
    let n = random.len();
    let mean = random.iter().sum::<f64>() / n as f64;
    if n == 0 || mean <= 0.0 || !mean.is_finite() {
        return None;
    }
    let sign = if higher_is_better { 1.0 } else { -1.0 };
    let percent = |mean: f64| sign * (found - mean) / mean * 100.0;
    let variance = random.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0);
    let ends = |half: f64| {
        let steep = if mean > half { percent(mean - half) } else { sign * f64::INFINITY };
        (steep.min(percent(mean + half)), steep.max(percent(mean + half)))
    };
    let interval = (n > 1).then(|| ends(student_t(n - 1) * (variance / n as f64).sqrt()));
    let best = |a: f64, b: f64| if (a > b) == higher_is_better { a } else { b };
    let best_random = random.iter().copied().reduce(best)?;
    Some(Improvement { found, mean, best_random, n, percent: percent(mean), interval })
}

/// 97.5 % quantile of Student's t with `freedom` degrees of freedom (at least 1): a table, and beyond it the expansion
/// around the normal quantile (Abramowitz and Stegun, 26.7.5).
pub fn student_t(freedom: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157,
        2.228_139, 2.200_985, 2.178_813, 2.160_369, 2.144_787, 2.131_450, 2.119_905, 2.109_816, 2.100_922,
        2.093_024, 2.085_963, 2.079_614, 2.073_873, 2.068_658, 2.063_899, 2.059_539, 2.055_529, 2.051_831,
        2.048_407, 2.045_230, 2.042_272,
    ];
    let freedom = freedom.max(1);
    if let Some(t) = TABLE.get(freedom - 1) {
        return *t;
    }
    const Z: f64 = 1.959_963_985;
    let (v, z3, z5) = (freedom as f64, Z.powi(3), Z.powi(5));
    Z + (z3 + Z) / (4.0 * v) + (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / (96.0 * v * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // mean 0.5, s = 0.1, n = 3: half = 4.302653 * 0.1 / sqrt 3 = 0.248414
        let i = relative_improvement(0.75, &[0.4, 0.5, 0.6], true).unwrap();
        assert!((i.percent - 50.0).abs() < 1e-9 && i.n == 3 && i.best_random == 0.6);
        let (low, high) = i.interval.unwrap();
        assert!((low - 0.212_3).abs() < 1e-3, "{low}"); // 0.75 / 0.748414 - 1
        assert!((high - 198.104).abs() < 1e-2, "{high}"); // 0.75 / 0.251586 - 1
        assert!(!i.may_be_nothing());
    }

    #[test]
    fn lower_may_be_better() {
        let i = relative_improvement(2.0, &[4.0, 4.0], false).unwrap();
        assert_eq!((i.percent, i.interval, i.best_random), (50.0, Some((50.0, 50.0)), 4.0));
    }

    #[test]
    fn one_random_network_proves_nothing_and_zero_divides_nothing() {
        assert!(relative_improvement(0.9, &[0.1], true).unwrap().may_be_nothing());
        let wide = relative_improvement(0.5, &[0.2, 0.7], true).unwrap();
        assert!(wide.may_be_nothing() && wide.interval.unwrap().1 == f64::INFINITY);
        assert_eq!(relative_improvement(0.5, &[0.0, 0.0], true), None);
        assert_eq!(relative_improvement(0.5, &[], true), None);
    }

    #[test]
    fn quantiles_of_tables() {
        for (freedom, t) in
            [(1, 12.706_2), (10, 2.228_1), (30, 2.042_3), (31, 2.039_5), (60, 2.000_3), (120, 1.979_9)]
        {
            assert!((student_t(freedom) - t).abs() < 1e-4, "{freedom}");
        }
    }

    #[test]
    fn only_equal_fidelity_is_compared() {
        let trial = |trial, origin: &str, epochs, value| Trial {
            trial,
            origin: origin.to_owned(),
            epochs,
            value: Some(value),
            genotype: if trial >= 2 { "best".to_owned() } else { trial.to_string() },
            ..Trial::default()
        };
        let trials = vec![
            trial(0, "random", 1.0, 0.4),
            trial(1, "random", 1.0, 0.6),
            trial(2, "mutation", 1.0, 0.75),
            trial(3, "promoted", 9.0, 0.99),
        ];
        let mut report = Report { trials, best: Some(3), ..Report::default() };
        let (i, compared) = improvement(&report).unwrap();
        assert_eq!((i.found, i.n, compared.trial), (0.75, 2, 2));
        report.trials.remove(2);
        report.trials[2].genotype = "other".to_owned();
        assert_eq!(improvement(&report), Err(NoImprovement::NoCommonFidelity));
        report.best = None;
        assert_eq!(improvement(&report), Err(NoImprovement::NothingFound));
    }
}
