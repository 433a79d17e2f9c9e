//! Whether to believe what a differentiable search found.

use super::regulariser::Probabilities;
use super::space::{Choice, Kind};
use serde::{Deserialize, Serialize};

/// Signs of a collapse: the search ends with operators that learn nothing, because a super-network of skips trains fastest (Zela et
/// al. 2020; Zhou et al. 2020).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// Share of the choices between operators with weights and without that were decided for one without, "none" included.
    pub free: f64,
    /// Validation accuracy of the relaxed network less that of the discrete one with its weights, both before any further training.
    pub gap: f64,
    /// Share of pairs of options of a choice that change their order from one epoch to the next, over the second half of the search.
    pub instability: f64,
}

/// From this share of operators without weights on, a network counts as collapsed.
const MOST_FREE: f64 = 2.0 / 3.0;
/// Accuracy that discretising may cost.
const MOST_GAP: f64 = 0.2;
/// Share of pairs that may change their order in an epoch.
const MOST_UNSTABLE: f64 = 0.1;

impl Trust {
    /// From the decided options, accuracies of relaxed and discrete network, and probabilities after each epoch. `exists`: which choices the
    /// decided network has.
    pub fn of(
        choices: &[Choice],
        (decided, exists): (&[usize], &[bool]),
        accuracy: [f64; 2],
        history: &[Probabilities],
    ) -> Self {
        let later = &history[history.len() / 2..];
        let changes: Vec<f64> = later.windows(2).map(|w| changed(&w[0], &w[1])).collect();
        Self {
            free: free(choices, decided, exists),
            gap: accuracy[0] - accuracy[1],
            instability: changes.iter().sum::<f64>() / changes.len().max(1) as f64,
        }
    }

    /// Whether the search collapsed.
    pub fn collapsed(&self) -> bool {
        self.free >= MOST_FREE
    }

    /// What a user should know, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        let collapsed = format!(
            "collapsed: {} of the chosen operators have no weights; try a method with path depth, perturbation or greedy decisions",
            percent(self.free)
        );
        let gap = format!("deciding cost {} of accuracy: the relaxed network says little", percent(self.gap));
        let unstable = format!(
            "{} of the pairs of options still changed order each epoch: search longer",
            percent(self.instability)
        );
        let all = [
            (self.collapsed(), collapsed),
            (self.gap > MOST_GAP, gap),
            (self.instability > MOST_UNSTABLE, unstable),
        ];
        all.into_iter().filter(|(warns, _)| *warns).map(|(_, text)| text).collect()
    }
}

/// The share of the choices about weights that were decided for an operator without.
fn free(choices: &[Choice], decided: &[usize], exists: &[bool]) -> f64 {
    let weighted = |choice: &Choice, option: usize| choice.options[option].kind == Kind::Weighted;
    let about = |choice: &Choice| {
        let count = (0..choice.options.len()).filter(|&o| weighted(choice, o)).count();
        (1..choice.options.len()).contains(&count)
    };
    let all =
        choices.iter().zip(decided).zip(exists).filter(|((choice, _), exists)| **exists && about(choice));
    let (count, free) = all.fold((0usize, 0usize), |(count, free), ((choice, &option), _)| {
        (count + 1, free + usize::from(!weighted(choice, option)))
    });
    free as f64 / count.max(1) as f64
}

/// The share of pairs of options whose order differs.
fn changed(before: &Probabilities, after: &Probabilities) -> f64 {
    let (mut pairs, mut changed) = (0usize, 0usize);
    for (p, q) in before.iter().zip(after) {
        for (i, j) in (0..p.len()).flat_map(|i| (0..i).map(move |j| (i, j))) {
            pairs += 1;
            changed += usize::from((p[i] - p[j]) * (q[i] - q[j]) < 0.0);
        }
    }
    changed as f64 / pairs.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::super::space::Operator;
    use super::*;

    #[test]
    fn skips_are_a_collapse_and_swaps_are_unstable() {
        let options = [("skip", Kind::Skip), ("conv", Kind::Weighted)]
            .map(|(name, kind)| Operator { name: name.to_owned(), kind });
        let choice =
            |n: usize| Choice { name: n.to_string(), from: 0, to: 1, sum: None, options: options.to_vec() };
        let choices: Vec<Choice> = (0..3).map(choice).collect();
        let swap = [vec![vec![0.6, 0.4]; 3], vec![vec![0.4, 0.6], vec![0.6, 0.4], vec![0.6, 0.4]]];
        let history = [&swap[..], &swap[..]].concat();
        let bad = Trust::of(&choices, (&[0, 0, 1], &[true; 3]), [0.9, 0.5], &history);
        assert!(bad.collapsed() && bad.warnings().len() == 3);
        assert!((bad.gap - 0.4).abs() < 1e-12 && (bad.instability - 1.0 / 3.0).abs() < 1e-12);
        let good =
            Trust::of(&choices, (&[1, 0, 1], &[true; 3]), [0.9, 0.88], &[swap[0].clone(), swap[0].clone()]);
        assert_eq!(Trust::of(&choices, (&[0, 0, 1], &[false, true, true]), [0.0; 2], &history).free, 0.5);
        assert!(!good.collapsed() && good.warnings().is_empty());
    }
}
