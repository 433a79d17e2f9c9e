//! What the differentiable search needs to know of a space.

use super::limit::Costs;
use super::mixed_kernel::MixedKernel;
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::SpaceError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Name within the choice.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// A choice between ways from one value to another, such as the operator on an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Name.
    pub name: String,
    /// The value that it reads, by its number.
    pub from: usize,
    /// The value that it leads to, whole or as a term.
    pub to: usize,
    /// The sum that it is a term of, if it is one.
    pub sum: Option<usize>,
    /// What it may be.
    pub options: Vec<Operator>,
}

/// A choice that no mixture can stand for, such as a width: each step has one of its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Name.
    pub name: String,
    /// What it may be.
    pub options: Vec<String>,
}

/// The options of each choice that a network still has, rising. What search has decided has one.
pub type Kept = Vec<Vec<usize>>;

/// All options of all choices.
pub fn all_options(choices: &[Choice]) -> Kept {
    choices.iter().map(|c| (0..c.options.len()).collect()).collect()
}

/// What an input of a mixture is weighed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// What becomes of options that differ in the size of a kernel only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kernels {
    /// Each is computed, as all other options are.
    #[default]
    Apart,
    /// One convolution with the mixture of their kernels (Shen, Khodak and Talwalkar 2022, DASH).
    Mixed,
    /// The same, and smaller kernels are the middle of the largest one, whose weights all of them share (Stamoulis et al. 2019, Single-Path NAS,
    /// section 3.1).
    Shared,
}

/// How the options of a super-network are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Of the channels that an option reads, one in so many goes through it (Xu et al. 2020, PC-DARTS, section 3.2).
    pub partial: usize,
    /// Options that differ in a kernel.
    pub kernels: Kernels,
}

impl Form {
    /// Every option on its own, of all channels.
    pub const WHOLE: Self = Self { partial: 1, kernels: Kernels::Apart };
}

/// A super-network: an ordinary graph in which operators `mix` stand for what is not decided.
#[derive(Clone, Debug)]
pub struct RelaxedGraph {
    /// The graph.
    pub graph: VerifiedGraph,
    /// Its mixtures. Choices that occur several times, in repeated cells, have several.
    pub mixtures: Vec<Mixture>,
    /// Convolutions of which the kernel is a mixture.
    pub kernels: Vec<MixedKernel>,
    /// Parameters that stay as they are: scales of options, which would take the place of the weights of the architecture
    /// (Liu, Simonyan and Yang 2019, section A.1.1).
    pub fixed: Vec<String>,
    /// The places of nodes whose names are others, because several stand at one place. Weights are found by place, operator and shape.
    pub places: BTreeMap<String, String>,
}

/// A space as one super-network for each combination of drawn options.
pub trait RelaxedSpace: Sync {
    /// The choices that are mixed.
    fn choices(&self) -> &[Choice];

    /// Those that are drawn.
    fn drawn(&self) -> &[Drawn] {
        &[]
    }

    /// The super-network of an option of each drawn choice and those options of each mixed one. Layers that two of them have in common
    /// agree in place, operator and shape.
    ///
    /// # Errors
    /// Data that no network exists for; channels that the share of `form` does not divide.
    fn relaxed(&self, drawn: &[usize], kept: &Kept, form: Form) -> Result<RelaxedGraph, SpaceError>;

    /// Which of the mixed choices the network of these options has.
    ///
    /// # Errors
    /// Those of [`relaxed`](Self::relaxed).
    fn existing(&self, _drawn: &[usize], options: &[usize]) -> Result<Vec<bool>, SpaceError> {
        Ok(vec![true; options.len()])
    }

    /// Whether the network of these options may be found. Options are drawn so that it may.
    fn admits(&self, _drawn: &[usize], _options: &[usize]) -> bool {
        true
    }

    /// What the options of the mixed choices cost, in multiply-accumulates.
    ///
    /// # Errors
    /// Those of [`relaxed`](Self::relaxed).
    fn costs(&self) -> Result<Costs, SpaceError> {
        Costs::macs(self)
    }
}
