//! Every strategy, one a file.

mod bananas;
mod brp_nas;
mod casmopolitan;
mod gp_paths;
mod lanas;
mod local_search;
mod nas_bowl;
mod neural_predictor;
mod random;
mod regularized_evolution;
mod reinforce;
mod tpe;
mod tw_nas;

pub use casmopolitan::Casmopolitan;
pub use lanas::Lanas;
pub use local_search::LocalSearch;
pub use random::Random;
pub use regularized_evolution::RegularizedEvolution;
pub use reinforce::Reinforce;
pub use tpe::Tpe;

use crate::error::nearest;
use crate::{SettingKind, Settings, Strategy, StrategyError};

/// A strategy by name.
#[derive(Debug)]
pub struct StrategyKind {
    /// Name in configuration files and on the command line.
    pub name: &'static str,
    /// One line for `--help`.
    pub doc: &'static str,
    /// What can be set.
    pub settings: &'static [SettingKind],
    /// Makes it from valid settings.
    pub build: fn(&Settings) -> Box<dyn Strategy>,
}

/// All strategies. To add one: write its file and add its line.
pub static STRATEGIES: &[StrategyKind] = &[
    regularized_evolution::KIND,
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
    random::KIND,
];

impl StrategyKind {
    /// Makes the strategy.
    ///
    /// # Errors
    /// Settings that it does not have or that are out of range.
    pub fn make(&self, settings: &toml::Table) -> Result<Box<dyn Strategy>, StrategyError> {
        Ok((self.build)(&Settings::resolve(self.name, self.settings, settings)?))
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
