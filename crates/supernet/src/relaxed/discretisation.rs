//! From weights of options to one option.

use super::regulariser::Probabilities;
use super::relaxation::largest;
use super::space::{Choice, Kept, Kind};
use serde::{Deserialize, Serialize};

/// When and how choices are decided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Discretisation {
    /// At the end, the most probable option of each (Liu, Simonyan and Yang 2019, section 2.4).
    Argmax,
    /// At the end, one choice after the other in random order: the option whose removal costs the most validation accuracy; between
    /// decisions the super-network is trained on (Wang et al. 2021, DARTS-PT, algorithm 1).
    Perturbation {
        /// Epochs of training after each decision.
        tune: f64,
        /// Validation batches that an option is judged by.
        batches: usize,
    },
    /// During the search, one choice after the other at equal intervals: the one of the highest criterion, for its most probable option
    /// that is not "none"; all others of its options are gone from then on (Li et al. 2020, SGAS, algorithm 1).
    Greedy {
        /// Epochs that the stability of a choice looks back, which is criterion 2; without, criterion 1.
        window: Option<usize>,
    },
    /// The other way round: the search begins with one option of each choice. Over a share of the epochs choices are opened one after the other, and
    /// options whose gates have closed are taken out again; at the end the most probable option of each stays. What does not
    /// fit into [memory](super::Budget::memory) is made room for, or not opened (Geada and McGough 2021, SpiderNet). For relaxations by gates.
    Growing {
        /// Share of the epochs by whose end all choices have been opened.
        share: f64,
        /// Closed choices, drawn at random, that are compared for each that is opened; with 1, growth is random.
        looks: usize,
    },
}

/// What of a choice's probabilities takes part: options that are not "none".
fn active(choice: &Choice, p: &[f64]) -> Vec<(usize, f64)> {
    let options = choice.options.iter().zip(p).enumerate();
    options.filter(|(_, (o, _))| o.kind != Kind::None).map(|(i, (_, p))| (i, *p)).collect()
}

/// The most probable option that is not "none".
pub fn leading(choice: &Choice, p: &[f64]) -> usize {
    let active = active(choice, p);
    let values: Vec<f64> = active.iter().map(|a| a.1).collect();
    active.get(largest(&values)).map_or(0, |a| a.0)
}

/// The probability that a choice is not "none" (Li et al. 2020, equation 3).
pub fn importance(choice: &Choice, p: &[f64]) -> f64 {
    active(choice, p).iter().map(|a| a.1).sum()
}

/// 1 less the entropy of the options that are not "none", as a share of the largest that it may be (Li et al. 2020, equation 5).
pub fn certainty(choice: &Choice, p: &[f64]) -> f64 {
    let active = active(choice, p);
    let (total, options) = (importance(choice, p).max(f64::MIN_POSITIVE), active.len());
    let q = active.iter().map(|a| a.1 / total).filter(|q| *q > 0.0);
    let entropy: f64 = q.map(|q| -q * q.ln()).sum();
    if options > 1 { (1.0 - entropy / (options as f64).ln()).clamp(0.0, 1.0) } else { 1.0 }
}

/// The mean intersection of a choice's distribution with those of earlier epochs (Li et al. 2020, equation 6).
pub fn stability(choice: &Choice, p: &[f64], earlier: &[&[f64]]) -> f64 {
    let share = |p: &[f64]| {
        let total = importance(choice, p).max(f64::MIN_POSITIVE);
        active(choice, p).into_iter().map(move |a| a.1 / total)
    };
    let overlap = |other: &&[f64]| share(p).zip(share(other)).map(|(a, b)| a.min(b)).sum::<f64>();
    if earlier.is_empty() { 1.0 } else { earlier.iter().map(overlap).sum::<f64>() / earlier.len() as f64 }
}

/// The choice to decide next, and its option. `history`: probabilities after each epoch so far, the last ones last. `None` if all
/// are decided.
pub fn greedy(
    choices: &[Choice],
    history: &[Probabilities],
    kept: &Kept,
    window: Option<usize>,
) -> Option<(usize, usize)> {
    let (now, before) = history.split_last()?;
    let open: Vec<usize> = (0..choices.len()).filter(|&c| kept[c].len() > 1).collect();
    let of = |f: &dyn Fn(usize) -> f64| scaled(&open.iter().map(|&c| f(c)).collect::<Vec<_>>());
    let importance = of(&|c| importance(&choices[c], &now[c]));
    let certainty = of(&|c| certainty(&choices[c], &now[c]));
    let mut criterion: Vec<f64> = importance.iter().zip(certainty).map(|(i, s)| i * s).collect();
    if let Some(window) = window {
        let recent = &before[before.len().saturating_sub(window)..];
        let earlier = |c: usize| recent.iter().map(|p| p[c].as_slice()).collect::<Vec<_>>();
        let stability = of(&|c| stability(&choices[c], &now[c], &earlier(c)));
        criterion.iter_mut().zip(stability).for_each(|(c, s)| *c *= s);
    }
    let choice = *open.get(largest(&criterion))?;
    Some((choice, leading(&choices[choice], &now[choice])))
}

/// From the smallest as 0 to the largest as 1; all 1 if they are equal.
fn scaled(values: &[f64]) -> Vec<f64> {
    let (low, high) = (values.iter().copied().reduce(f64::min), values.iter().copied().reduce(f64::max));
    let (low, high) = (low.unwrap_or(0.0), high.unwrap_or(0.0));
    values.iter().map(|v| if high > low { (v - low) / (high - low) } else { 1.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::space::{Operator, all_options};
    use super::*;

    fn choices(count: usize) -> Vec<Choice> {
        let kinds = [("none", Kind::None), ("skip", Kind::Skip), ("conv", Kind::Weighted)];
        let options = kinds.map(|(name, kind)| Operator { name: name.to_owned(), kind }).to_vec();
        let choice = |c: usize| Choice {
            name: c.to_string(),
            from: c,
            to: c + 1,
            sum: None,
            options: options.clone(),
        };
        (0..count).map(choice).collect()
    }

    #[test]
    fn criteria_are_those_worked_out_by_hand() {
        let choice = &choices(1)[0];
        assert!((importance(choice, &[0.2, 0.2, 0.6]) - 0.8).abs() < 1e-12);
        // (1/4, 3/4): entropy 0.8113 bits of 1.
        assert!((certainty(choice, &[0.2, 0.2, 0.6]) - (1.0 - 0.811_278_124_459_133)).abs() < 1e-12);
        assert_eq!(certainty(choice, &[0.5, 0.5, 0.0]), 1.0);
        assert!(certainty(choice, &[0.0, 0.5, 0.5]).abs() < 1e-12);
        // min(1/4, 1/2) + min(3/4, 1/2), and with itself.
        let now: &[f64] = &[0.2, 0.2, 0.6];
        assert!((stability(choice, now, &[&[0.0, 0.5, 0.5], now]) - (0.75 + 1.0) / 2.0).abs() < 1e-12);
        assert_eq!(leading(choice, &[0.9, 0.04, 0.06]), 2);
    }

    #[test]
    fn the_surest_important_choice_comes_first_and_decided_ones_do_not_come_again() {
        let choices = choices(3);
        let now = vec![vec![0.6, 0.2, 0.2], vec![0.1, 0.8, 0.1], vec![0.1, 0.5, 0.4]];
        let mut kept = all_options(&choices);
        assert_eq!(greedy(&choices, std::slice::from_ref(&now), &kept, None), Some((1, 1)));
        kept[1] = vec![1];
        let second = greedy(&choices, std::slice::from_ref(&now), &kept, Some(4));
        assert_eq!(second, Some((2, 1)));
        kept[0] = vec![2];
        kept[2] = vec![1];
        assert_eq!(greedy(&choices, &[now], &kept, None), None);
    }
}
