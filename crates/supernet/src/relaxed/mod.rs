//! Differentiable search: a continuous relaxation of the choices of a space, trained by gradient descent.
//!
//! A [`Method`] is a combination of a [`Relaxation`], a [`Hypergradient`], a [`Regulariser`], a [`Limit`] and a
//! [`Discretisation`]; [`PUBLISHED`] lists those of the literature. A [`SuperNetwork`] is an ordinary graph with operators `mix`,
//! compiled like any other; the numbers of the architecture are beside it, and [`Architecture`] makes weights of them. [`Search`] runs
//! a method on a [`RelaxedSpace`] and tells what it found and whether to believe it ([`Trust`]).

mod adam;
mod architecture;
mod deciding;
mod discretisation;
mod error;
mod frank_wolfe;
mod growing;
mod hypergradient;
mod kernel_mixture;
mod limit;
mod merged;
mod method;
mod mixed_kernel;
mod mover;
mod policy;
mod rebar;
mod regulariser;
mod relaxation;
mod running;
mod search;
mod space;
mod stages;
mod super_network;
mod trust;

pub use adam::{Adam, AdamSettings};
pub use architecture::{Architecture, Draw, Weights};
pub use discretisation::{Discretisation, certainty, greedy, importance, leading, stability};
pub use error::SearchError;
pub use frank_wolfe::{Mixed, Polytope, Stages};
pub use hypergradient::{Bilevel, Descent, Gradient, Hypergradient, Part, Point};
pub use kernel_mixture::{KernelMixture, OfMixture};
pub use limit::{Charged, Costs, Limit};
pub use merged::MergedSpace;
pub use method::{Method, PUBLISHED, Published, method_named, published};
pub use mixed_kernel::{KernelPart, KernelTensor, MixedKernel};
pub use policy::Policy;
pub use rebar::{Valued, rebar};
pub use regulariser::{Probabilities, Regulariser};
pub use relaxation::{Relaxation, largest, softmax, softmax_pull_back};
pub use running::Running;
pub use search::{Budget, Decision, Epoch, Found, Search};
pub use space::{
    Choice, Drawn, Form, Kept, Kernels, Kind, Mixture, Operator, RelaxedGraph, RelaxedSpace, Term,
    all_options,
};
pub use super_network::{Judged, Setup, SuperNetwork};
pub use trust::Trust;
