//! What can be wrong with a request for a published network.

use nasmyth_graph::GraphError;
use nasmyth_space::SpaceError;
use thiserror::Error;

/// A network that does not exist or cannot be built.
#[derive(Debug, Error, Clone, PartialEq)]
pub enum ZooError {
    /// Neither a published network nor a family.
    #[error(
        "no published network or family is called `{name}`{}; `nasmyth zoo list` shows all",
        did_you_mean(nearest)
    )]
    UnknownName {
        /// The name asked for.
        name: String,
        /// The name that looks most like it.
        nearest: Option<String>,
    },
    /// A number that the family does not have.
    #[error("family `{family}` has no number `{name}`{}; it has {known}", did_you_mean(nearest))]
    UnknownNumber {
        /// The family.
        family: &'static str,
        /// The number asked for.
        name: String,
        /// The number that looks most like it.
        nearest: Option<String>,
        /// The numbers that it has.
        known: String,
    },
    /// Text that is not `NUMBER=VALUE`.
    #[error("expected `NUMBER=VALUE` pairs separated by commas, e.g. `width=0.5,depths=2/2/2/2`, got `{0}`")]
    Syntax(String),
    /// A value out of the number's domain, or one that does not go together with the others.
    #[error("`{name}` of family `{family}`: expected {expected}, got {got}")]
    Number {
        /// The family.
        family: &'static str,
        /// The number.
        name: String,
        /// What it may be.
        expected: String,
        /// What it was.
        got: String,
    },
    /// An input that no network of the family can take.
    #[error("`{field}` of `{network}`: expected {expected}, got {got}")]
    Input {
        /// The network.
        network: String,
        /// `resolution`, `channels` or `classes`.
        field: &'static str,
        /// What it may be.
        expected: String,
        /// What it was.
        got: String,
    },
    /// Layers that do not fit together.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A search space that cannot be made.
    #[error(transparent)]
    Space(#[from] SpaceError),
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |name| format!(": did you mean `{name}`?"))
}

/// The known name that looks most like `word`, if any does.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let scored = known.into_iter().map(|k| (strsim::jaro_winkler(word, k), k));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.7).then(|| best.1.to_owned())
}
