//! Hyperband.
//!
//! Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar: "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR
//! 2018, algorithm 1: brackets of successive halving in turn, from many networks that begin with little effort to few that all
//! get the full one, so that no choice of the smallest effort has to be right. With the strategy `tpe` it is BOHB.

use super::SchedulerKind;
use super::brackets::{Brackets, Start};
use super::ladder::{ETA, RUNGS};

pub(super) const KIND: SchedulerKind = SchedulerKind {
    name: "hyperband",
    doc: "brackets of successive halving in turn, from many networks with little effort to few with the full one",
    settings: &[ETA, RUNGS],
    build: |settings, epochs| {
        let (eta, rungs) = (settings.count("eta"), settings.count("rungs"));
        Box::new(Brackets::new(epochs, eta, rungs, starts(eta, rungs)))
    },
};

/// Line 2 of the algorithm: bracket `s = rungs - 1, ..., 0` begins `s` rungs below the full effort with
/// `ceil(rungs / (s + 1) eta^s)` networks.
fn starts(eta: usize, rungs: usize) -> Vec<Start> {
    let start = |s: usize| {
        let candidates = rungs.saturating_mul(eta.saturating_pow(s as u32)).div_ceil(s + 1);
        Start { candidates, rung: rungs - 1 - s }
    };
    (0..rungs).rev().map(start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_those_of_the_paper() {
        // Table 1: R = 81, eta = 3.
        let starts: Vec<_> = starts(3, 5).into_iter().map(|s| (s.candidates, s.rung)).collect();
        assert_eq!(starts, [(81, 0), (34, 1), (15, 2), (8, 3), (5, 4)]);
    }
}
