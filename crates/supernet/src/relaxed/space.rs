//! What the differentiable search needs to know of a space.

use nasmyth_graph::VerifiedGraph;
use nasmyth_space::SpaceError;

/// What an option of a choice is, as far as methods tell options apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing comes out.
    None,
    /// What goes in comes out.
    Skip,
    /// An operator without weights.
    Free,
    /// An operator with weights.
    Weighted,
}

/// One option of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Name within the choice.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
}

/// A choice: the operator on an edge between two values of one shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Name.
    pub name: String,
    /// The value that it reads, by its number within the cell.
    pub from: usize,
    /// The value that it adds to.
    pub to: usize,
    /// What it may be.
    pub options: Vec<Operator>,
}

/// The options of each choice that a network still has, rising. What search has decided has one.
pub type Kept = Vec<Vec<usize>>;

/// All options of all choices.
pub fn all_options(choices: &[Choice]) -> Kept {
    choices.iter().map(|c| (0..c.options.len()).collect()).collect()
}

/// What an input of a mixture is weighed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// The weight of an option, times the share of its edge.
    Option {
        /// Number of the choice.
        choice: usize,
        /// Number of the option.
        option: usize,
    },
    /// The share of its edge: channels that go around the operators.
    Bypass {
        /// Number of the choice.
        choice: usize,
    },
}

/// A node that weighs its inputs by the architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mixture {
    /// Key of its weights in a parameter store.
    pub key: String,
    /// What each input is weighed by.
    pub terms: Vec<Term>,
}

/// A super-network: an ordinary graph in which operators `mix` stand for what is not decided.
#[derive(Clone, Debug)]
pub struct RelaxedGraph {
    /// The graph.
    pub graph: VerifiedGraph,
    /// Its mixtures. Choices that occur several times, in repeated cells, have several.
    pub mixtures: Vec<Mixture>,
    /// Parameters that stay as they are: scales of options, which would take the place of the weights of the architecture
    /// (Liu, Simonyan and Yang 2019, section A.1.1).
    pub fixed: Vec<String>,
}

/// A space whose choices are operators on edges.
pub trait RelaxedSpace: Sync {
    /// The choices.
    fn choices(&self) -> &[Choice];

    /// The super-network of those options. Layers that two of them have in common agree in scope, kind, and order within the scope.
    /// Of the channels that an option reads, one in `partial` goes through it (Xu et al. 2020, PC-DARTS, section 3.2).
    ///
    /// # Errors
    /// Data that no network exists for; channels that `partial` does not divide.
    fn relaxed(&self, kept: &Kept, partial: usize) -> Result<RelaxedGraph, SpaceError>;
}

/// Multiply-accumulates of each option of each choice, over all its occurrences.
///
/// # Errors
/// Those of [`RelaxedSpace::relaxed`].
pub fn mac_costs(space: &dyn RelaxedSpace) -> Result<Vec<Vec<f64>>, SpaceError> {
    let all = all_options(space.choices());
    let macs = |kept: &Kept| Ok::<f64, SpaceError>(space.relaxed(kept, 1)?.graph.macs() as f64);
    let whole = macs(&all)?;
    let cost = |choice: usize, option: usize| {
        let mut kept = all.clone();
        kept[choice].retain(|&o| o != option);
        Ok(whole - macs(&kept)?)
    };
    let of = |(c, options): (usize, &Vec<usize>)| options.iter().map(|&o| cost(c, o)).collect();
    all.iter().enumerate().map(of).collect()
}
