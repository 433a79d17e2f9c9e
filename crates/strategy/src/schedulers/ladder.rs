//! What schedulers with rungs share: the efforts, and who is best on a rung.

use crate::{Completed, Fidelity, Origin, Setting, SettingKind, Task};
use nasmyth_space::Genotype;

pub(super) const ETA: SettingKind = SettingKind {
    name: "eta",
    doc: "one in eta trials goes on, with eta times the effort",
    setting: Setting::Integer { default: 3, least: 2, most: 100 },
};

pub(super) const RUNGS: SettingKind = SettingKind {
    name: "rungs",
    doc: "steps from the smallest effort to the full one",
    setting: Setting::Integer { default: 3, least: 1, most: 10 },
};

/// Efforts of all rungs; the last is the full one and each is `eta` times the one below.
pub(super) fn ladder(epochs: f64, eta: usize, rungs: usize) -> Vec<Fidelity> {
    let rungs = rungs.clamp(1, 32) as u32;
    let share = |rung: u32| (eta as f64).powi((rungs - 1 - rung) as i32);
    (0..rungs).map(|rung| Fidelity { rung, epochs: epochs / share(rung) }).collect()
}

/// A trial that is over on some rung.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) trial: u64,
    pub(super) genotype: Genotype,
    /// Nothing for a failed trial.
    pub(super) value: Option<f64>,
    pub(super) promoted: bool,
}

impl Entry {
    pub(super) fn new(done: &Completed) -> Self {
        let value = done.outcome.ok();
        Self { trial: done.trial, genotype: done.genotype.clone(), value, promoted: false }
    }

    /// The trial again, with more effort.
    pub(super) fn promotion(&self, from: Fidelity, to: Fidelity) -> Task {
        Task {
            genotype: self.genotype.clone(),
            fidelity: to,
            previous: Some(from),
            origin: Origin::Promotion,
            parent: Some(self.trial),
        }
    }
}

/// Indices of the `count` best that did not fail; ties go to the lower trial.
pub(super) fn best(entries: &[Entry], count: usize) -> Vec<usize> {
    let mut ranked: Vec<(usize, f64)> =
        entries.iter().enumerate().filter_map(|(i, entry)| Some((i, entry.value?))).collect();
    let trial = |i: usize| entries[i].trial;
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(trial(a.0).cmp(&trial(b.0))));
    ranked.into_iter().take(count).map(|(i, _)| i).collect()
}
