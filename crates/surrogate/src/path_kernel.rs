//! The radial kernel on the paths of networks.
//!
//! White, Neiswanger and Savani: "BANANAS", AAAI 2021, section 4, compare Gaussian processes with distances of this kind.

use crate::encodings::Paths;
use crate::{Comparison, Dag, Family, Kernel};

/// Squared lengths that are tried, in paths.
const SQUARES: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// `exp(-d / (2 square))`, where `d` counts the paths that one of two networks has and the other has not: the squared distance of their
/// path encodings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathKernel {
    square: f64,
}

impl Kernel for PathKernel {
    type Point = Paths;

    fn value(&self, a: &Paths, b: &Paths) -> f64 {
        self.compared(&Self::compare(a, b))
    }
}

impl Family for PathKernel {
    /// The paths; of networks with too many or too long ones the [`Paths::short`].
    fn point(dag: &Dag) -> Paths {
        Paths::of(dag).unwrap_or_else(|| Paths::short(dag))
    }

    fn compare(a: &Paths, b: &Paths) -> Comparison {
        let mut comparison = Comparison::default();
        comparison[0] = a.difference(b) as f64;
        comparison
    }

    fn compared(&self, comparison: &Comparison) -> f64 {
        (-0.5 * comparison[0] / self.square).exp()
    }

    fn first() -> Self {
        Self { square: 4.0 }
    }

    fn variants(&self) -> Vec<Vec<Self>> {
        vec![SQUARES.into_iter().map(|square| Self { square }).collect()]
    }
}
