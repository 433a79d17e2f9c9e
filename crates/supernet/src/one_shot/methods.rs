//! Published methods, as settings.

use super::controller::{ControllerPlan, LimitRule};
use super::settings::{OneShot, Sampling, ShrinkPlan, SplitBy, SplitPlan};

/// A method by name.
pub struct Method {
    /// Name on the command line and in files.
    pub name: &'static str,
    /// What it does and who published it, in a sentence.
    pub doc: &'static str,
    /// Its settings.
    pub settings: fn() -> OneShot,
}

/// Share of the training before the split: half for the parent, half for its parts.
const BEFORE_SPLIT: f64 = 0.5;

/// Every one-shot method.
pub static METHODS: &[Method] = &[
    Method {
        name: "spos",
        doc: "One-shot: trains one super-network on uniformly sampled paths, then searches with inherited weights (Guo et al. 2020).",
        settings: OneShot::default,
    },
    Method {
        name: "fair",
        doc: "One-shot, fairly sampled: every option of every choice is trained once before the weights move (Chu et al. 2021).",
        settings: || OneShot { sampling: Sampling::Fair, ..OneShot::default() },
    },
    Method {
        name: "few-shot",
        doc: "One-shot, then a super-network for each option of one choice, begun from the weights of the first (Zhao et al. 2021).",
        settings: || split(SplitBy::Options),
    },
    Method {
        name: "gradient-matching",
        doc: "Few-shot, split where the options' gradients of the shared weights agree least (Hu et al. 2022).",
        settings: || split(SplitBy::Gradients),
    },
    Method {
        name: "nas-lid",
        doc: "Few-shot, split where the features of the options' networks differ most in intrinsic dimension (He et al. 2023).",
        settings: || split(SplitBy::Dimension),
    },
    Method {
        name: "neas",
        doc: "One-shot; halfway, the space shrinks to options of potential and diversity, for ensembles (Chen et al. 2021).",
        settings: || OneShot { shrinking: Some(ShrinkPlan::default()), ..OneShot::default() },
    },
    Method {
        name: "tunas",
        doc: "One-shot; a policy learns which paths to sample, with a reward that falls with the distance from the limits (Bender et al. 2020).",
        settings: || controlled(ControllerPlan { limits: LimitRule::Target, ..ControllerPlan::default() }),
    },
    Method {
        name: "tabnas",
        doc: "One-shot; a policy learns which paths to sample and rejects those that break limits (Yang et al. 2022).",
        settings: || controlled(ControllerPlan::default()),
    },
    Method {
        name: "autohas",
        doc: "One-shot; a policy learns paths, learning rate and weight decay together (Dong et al. 2020).",
        settings: || {
            controlled(ControllerPlan {
                learning_rates: vec![0.25, 0.5, 1.0, 2.0, 4.0],
                weight_decays: vec![0.0, 1.0, 5.0],
                ..ControllerPlan::default()
            })
        },
    },
];

fn split(by: SplitBy) -> OneShot {
    let split = SplitPlan { by, count: 1, genes: Vec::new(), after: BEFORE_SPLIT };
    OneShot { split: Some(split), ..OneShot::default() }
}

fn controlled(plan: ControllerPlan) -> OneShot {
    OneShot { controller: Some(plan), ..OneShot::default() }
}

/// The method of this name.
pub fn method(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|m| m.name == name)
}
