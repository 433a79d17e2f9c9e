//! Every strategy, one a file.

mod b2opt;
mod bananas;
mod brp_nas;
mod casmopolitan;
mod epnas;
mod gflownet;
mod gp_paths;
mod lanas;
mod language_model;
mod local_search;
mod manas;
mod nas_bowl;
mod neural_predictor;
mod nsga2;
mod random;
mod regularized_evolution;
mod reinforce;
mod tpe;
mod tw_nas;

pub use b2opt::B2Opt;
pub use casmopolitan::Casmopolitan;
pub use epnas::Epnas;
pub use gflownet::GFlowNet;
pub use lanas::Lanas;
pub use language_model::LanguageModel;
pub use local_search::LocalSearch;
pub use manas::Manas;
pub use nsga2::Nsga2;
pub use random::Random;
pub use regularized_evolution::RegularizedEvolution;
pub use reinforce::Reinforce;
pub use tpe::Tpe;

use crate::error::nearest;
use crate::{SettingKind, Settings, Strategy, StrategyError};
use std::path::Path;

/// A strategy by name.
#[derive(Debug)]
pub struct StrategyKind {
    /// Name in configuration files and on the command line.
    pub name: &'static str,
    /// One line for `--help`.
    pub doc: &'static str,
    /// Whether it looks for the whole front where there are several objectives.
    pub several: bool,
    /// What can be set.
    pub settings: &'static [SettingKind],
    /// Makes it from valid settings.
    pub build: fn(&Settings) -> Box<dyn Strategy>,
}

/// All strategies. To add one: write its file and add its line.
pub static STRATEGIES: &[StrategyKind] = &[
    regularized_evolution::KIND,
    nsga2::KIND,
    local_search::KIND,
    tpe::KIND,
    nas_bowl::KIND,
    tw_nas::KIND,
    gp_paths::KIND,
    casmopolitan::KIND,
    bananas::KIND,
    neural_predictor::KIND,
    brp_nas::KIND,
    lanas::KIND,
    reinforce::KIND,
    manas::KIND,
    epnas::KIND,
    gflownet::KIND,
    b2opt::KIND,
    language_model::KIND,
    random::KIND,
];

impl StrategyKind {
    /// Makes the strategy.
    ///
    /// # Errors
    /// Settings that it does not have, that are out of range, or that must be given and are not.
    pub fn make(&self, settings: &toml::Table) -> Result<Box<dyn Strategy>, StrategyError> {
        self.make_in(settings, None)
    }

    /// As [`make`](Self::make), for a run whose files lie in this folder.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn make_in(
        &self,
        settings: &toml::Table,
        folder: Option<&Path>,
    ) -> Result<Box<dyn Strategy>, StrategyError> {
        Ok((self.build)(&Settings::resolve(self.name, self.settings, settings)?.within(folder)))
    }

    /// Whether it can be made without settings. What cannot depends on something outside, such as a server.
    pub fn has_defaults(&self) -> bool {
        self.settings.iter().all(|kind| kind.setting.default_value().is_some())
    }
}

/// The strategy with this name.
///
/// # Errors
/// There is none; the error names the nearest and all others.
pub fn strategy_named(name: &str) -> Result<&'static StrategyKind, StrategyError> {
    let names = || STRATEGIES.iter().map(|kind| kind.name);
    STRATEGIES.iter().find(|kind| kind.name == name).ok_or_else(|| StrategyError::Unknown {
        what: "strategy",
        got: name.to_owned(),
        nearest: nearest(name, names()),
        known: names().collect::<Vec<_>>().join(", "),
    })
}
