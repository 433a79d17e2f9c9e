//! Extrapolation of learning curves.
//!
//! Baker, Gupta, Raskar and Naik: "Accelerating Neural Architecture Search using Performance Prediction", 2017, section 4: a training is
//! stopped as soon as a model of the curves so far gives it too small a chance to end above the best network. Unlike
//! halving, this compares where curves end, not where they are: networks that learn slowly and end high go on.
//!
//! There the chance is compared with a constant. But of `n` networks that are alike, the last is the best with a chance of `1 / n`: after
//! some time a constant stops every network whose curve says nothing yet. So the constant here is a share of that.

use super::SchedulerKind;
use super::ladder::{Entry, ladder};
use crate::scheduler::promotion_or_new;
use crate::{
    Completed, Fidelity, Next, Problem, Rng, Scheduler, Setting, SettingKind, Settings, Strategy,
    StrategyError, Task,
};
use nasmyth_space::Genotype;
use nasmyth_surrogate::CurveModel;
use nasmyth_surrogate::acquisition::probability_of_improvement;
use std::collections::HashMap;

pub(super) const KIND: SchedulerKind = SchedulerKind {
    name: "curve",
    doc: "extrapolates learning curves, and stops a training that will hardly end above the best",
    settings: &[
        SettingKind {
            name: "eta",
            doc: "the effort of a rung is so many times that of the one below",
            setting: Setting::Integer { default: 2, least: 2, most: 100 },
        },
        SettingKind {
            name: "rungs",
            doc: "points of a curve at which it may be stopped, and its end",
            setting: Setting::Integer { default: 5, least: 1, most: 10 },
        },
        SettingKind {
            name: "start",
            doc: "networks that are trained to the end before any is stopped",
            setting: Setting::Integer { default: 10, least: 4, most: 100_000 },
        },
        SettingKind {
            name: "chance",
            doc: "a training is stopped when its chance to end above the best is below this share of an unknown network's",
            setting: Setting::Number { default: 0.1, least: 0.0, most: 1.0 },
        },
    ],
    build: |settings, epochs| Box::new(Curve::new(settings, epochs)),
};

/// Learning curves, some of which go on.
#[derive(Clone, Debug)]
pub struct Curve {
    fidelities: Vec<Fidelity>,
    start: usize,
    chance: f64,
    /// Values of each network, lowest rung first.
    curves: Vec<Vec<f64>>,
    by_genotype: HashMap<Genotype, usize>,
    /// Of each rung but the last, trials that are over and not decided on, with their curves.
    waiting: Vec<Vec<(Entry, usize)>>,
    pending: usize,
}

impl Curve {
    /// From the settings of `curve` and the epochs of the full effort.
    pub fn new(settings: &Settings, epochs: f64) -> Self {
        let fidelities = ladder(epochs, settings.count("eta"), settings.count("rungs"));
        Self {
            start: settings.count("start"),
            chance: settings.number("chance"),
            curves: Vec::new(),
            by_genotype: HashMap::new(),
            waiting: vec![Vec::new(); fidelities.len() - 1],
            fidelities,
            pending: 0,
        }
    }

    /// The next training that goes on, of the highest rung first; those before it in the queue are stopped.
    fn promotion(&mut self) -> Option<Task> {
        let rung = (0..self.waiting.len()).rev().find(|&rung| !self.waiting[rung].is_empty())?;
        let waiting = std::mem::take(&mut self.waiting[rung]);
        let judge = self.judge();
        let mut hopeful = waiting.into_iter().skip_while(|(_, curve)| !judge(&self.curves[*curve]));
        let next = hopeful.next();
        let rest = hopeful.collect();
        self.waiting[rung] = rest;
        match next {
            Some((entry, _)) => Some(entry.promotion(self.fidelities[rung], self.fidelities[rung + 1])),
            None => self.promotion(),
        }
    }

    /// Whether a curve that has begun is worth going on.
    fn judge(&self) -> impl Fn(&[f64]) -> bool + use<> {
        let rungs = self.fidelities.len();
        let ends: Vec<f64> = self.curves.iter().filter_map(|curve| curve.get(rungs - 1)).copied().collect();
        let curves: Vec<&[f64]> = self.curves.iter().map(Vec::as_slice).collect();
        let model = if ends.len() < self.start { None } else { CurveModel::fit(&curves, rungs) };
        let best = ends.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let chance = self.chance / (self.curves.len() + 1) as f64;
        move |begun| {
            let end = model.as_ref().and_then(|model| model.last(begun));
            end.is_none_or(|end| probability_of_improvement(end, best) >= chance)
        }
    }
}

impl Scheduler for Curve {
    fn next(
        &mut self,
        strategy: &mut dyn Strategy,
        problem: &Problem<'_>,
        rng: &mut Rng,
    ) -> Result<Next, StrategyError> {
        let promotion = self.promotion();
        promotion_or_new(promotion, self.fidelities[0], &mut self.pending, (strategy, problem, rng))
    }

    fn ladder(&self) -> Vec<Fidelity> {
        self.fidelities.clone()
    }

    fn tell(&mut self, strategy: &mut dyn Strategy, done: &[Completed]) -> Result<(), StrategyError> {
        for trial in done {
            self.pending = self.pending.saturating_sub(1);
            let Ok(value) = trial.outcome else { continue };
            let new = self.curves.len();
            let curve = *self.by_genotype.entry(trial.genotype.clone()).or_insert(new);
            if curve == new {
                self.curves.push(Vec::new());
            }
            self.curves[curve].push(value);
            if let Some(waiting) = self.waiting.get_mut(trial.fidelity.rung as usize) {
                waiting.push((Entry::new(trial), curve));
            }
        }
        strategy.tell(done)
    }
}
