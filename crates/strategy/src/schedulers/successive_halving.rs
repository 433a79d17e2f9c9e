//! Successive halving.
//!
//! Jamieson and Talwalkar: "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016:
//! many networks begin, the best 1/eta of them go on with eta times the effort, and so on; then a new bracket begins.

use super::SchedulerKind;
use super::brackets::{Brackets, Start};
use super::ladder::{ETA, RUNGS};
use crate::{Setting, SettingKind};

pub(super) const KIND: SchedulerKind = SchedulerKind {
    name: "successive-halving",
    doc: "brackets of networks: the best third of each rung goes on with more effort",
    settings: &[
        SettingKind {
            name: "candidates",
            doc: "networks that begin in a bracket",
            setting: Setting::Integer { default: 27, least: 2, most: 1_000_000 },
        },
        ETA,
        RUNGS,
    ],
    build: |settings, epochs| {
        let start = Start { candidates: settings.count("candidates"), rung: 0 };
        Box::new(Brackets::new(epochs, settings.count("eta"), settings.count("rungs"), vec![start]))
    },
};
