//! Kernels, and Gaussian processes with the most likely kernel of a family.

use crate::{Dag, GaussianProcess, Matrix, Prediction};
use std::sync::Arc;

/// Variances of the noise that are tried, relative to the kernel's.
const NOISES: [f64; 6] = [1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0];
/// The one that the search for the most likely process begins with.
const FIRST: f64 = 1e-1;
/// Rounds over all settings at most.
const ROUNDS: usize = 3;

/// A positive semi-definite similarity, 1 for equal points.
pub trait Kernel: Clone + PartialEq + std::fmt::Debug + Send {
    /// What it compares.
    type Point: Clone + std::fmt::Debug + Send + Sync;

    /// The similarity of two points.
    fn value(&self, a: &Self::Point, b: &Self::Point) -> f64;

    /// All values among these points.
    fn gram(&self, points: &[Arc<Self::Point>]) -> Matrix {
        Matrix::symmetric(points.len(), |i, j| self.value(&points[i], &points[j]))
    }
}

/// Numbers that all kernels of a family make their values of.
pub type Comparison = [f64; 10];

/// Kernels over architectures, of which the data choose one.
pub trait Family: Kernel {
    /// What the kernels read of an architecture.
    fn point(dag: &Dag) -> Self::Point;

    /// What the kernels need to know of two points, all of them: it is computed once.
    fn compare(a: &Self::Point, b: &Self::Point) -> Comparison;

    /// [`Kernel::value`] of two points that were compared.
    fn compared(&self, comparison: &Comparison) -> f64;

    /// The member that the search begins with.
    fn first() -> Self;

    /// For each setting the members that differ from this one in it alone, with it among them.
    fn variants(&self) -> Vec<Vec<Self>>;
}

/// How many points two lists begin with in common: the same ones, not equal ones.
pub fn common<P>(a: &[Arc<P>], b: &[Arc<P>]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| Arc::ptr_eq(a, b)).count()
}

/// A Gaussian process over points.
#[derive(Clone, Debug)]
pub struct KernelProcess<K: Kernel> {
    kernel: K,
    noise: f64,
    data: Vec<Arc<K::Point>>,
    gram: Matrix,
    process: GaussianProcess,
}

impl<K: Kernel> KernelProcess<K> {
    /// The process of this kernel and noise over data. `None` without data.
    pub fn new(kernel: K, noise: f64, data: &[Arc<K::Point>], targets: &[f64]) -> Option<Self> {
        let gram = kernel.gram(data);
        Self::of(kernel, noise, data, targets, gram)
    }

    fn of(kernel: K, noise: f64, data: &[Arc<K::Point>], targets: &[f64], gram: Matrix) -> Option<Self> {
        let process = GaussianProcess::fit(&gram, targets, noise)?;
        Some(Self { kernel, noise, data: data.to_vec(), gram, process })
    }

    /// The process of the same kernel and noise over other data; cheaper if they begin with the same points.
    pub fn refit(&self, data: &[Arc<K::Point>], targets: &[f64]) -> Option<Self> {
        let same = common(&self.data, data);
        let gram = Matrix::symmetric(data.len(), |i, j| match i < same {
            true => self.gram.row(i)[j],
            false => self.kernel.value(&data[i], &data[j]),
        });
        Self::of(self.kernel.clone(), self.noise, data, targets, gram)
    }

    /// The kernel.
    pub fn kernel(&self) -> &K {
        &self.kernel
    }

    /// Variance of the noise, relative to the kernel's.
    pub fn noise(&self) -> f64 {
        self.noise
    }

    /// The data, in the order in which they were given.
    pub fn data(&self) -> &[Arc<K::Point>] {
        &self.data
    }

    /// The process over the kernel values.
    pub fn process(&self) -> &GaussianProcess {
        &self.process
    }

    /// The value of a point.
    pub fn predict(&self, point: &K::Point) -> Prediction {
        self.process.predict(&self.to_data(point), 1.0)
    }

    /// The value of a point whose first kernel values to the data are in `row`; those that it lacks are added.
    pub fn predict_with(&self, row: &mut Vec<f64>, point: &K::Point) -> Prediction {
        row.extend(self.data[row.len()..].iter().map(|datum| self.kernel.value(datum, point)));
        self.process.predict(row, 1.0)
    }

    /// Its mean alone, which is cheaper.
    pub fn mean(&self, point: &K::Point) -> f64 {
        self.process.mean(&self.to_data(point))
    }

    /// The means of the data, noise removed.
    pub fn means(&self) -> Vec<f64> {
        (0..self.data.len()).map(|i| self.process.mean(self.gram.row(i))).collect()
    }

    /// Covariances of the values of points.
    pub fn covariance(&self, points: &[Arc<K::Point>]) -> Matrix {
        let seen: Vec<Vec<f64>> = points.iter().map(|point| self.to_data(point)).collect();
        self.process.covariance(&seen, &self.kernel.gram(points))
    }

    fn to_data(&self, point: &K::Point) -> Vec<f64> {
        self.data.iter().map(|datum| self.kernel.value(datum, point)).collect()
    }
}

impl<K: Family> KernelProcess<K> {
    /// The most likely process that a search along one setting at a time finds, with a noise of 0.001 to 1 of the kernel. `None` without
    /// data.
    pub fn fit(data: &[Arc<K::Point>], targets: &[f64]) -> Option<Self> {
        let compare = |i: usize| (0..=i).map(|j| K::compare(&data[i], &data[j])).collect::<Vec<_>>();
        let compared: Vec<Vec<Comparison>> = (0..data.len()).map(compare).collect();
        let with = |kernel: K, noise: f64| {
            let gram = Matrix::symmetric(data.len(), |i, j| kernel.compared(&compared[i][j]));
            Self::of(kernel, noise, data, targets, gram)
        };
        let mut best = with(K::first(), FIRST)?;
        for _ in 0..ROUNDS {
            let before = best.process.log_likelihood();
            for setting in 0..best.kernel.variants().len() {
                let (variants, noise) = (best.kernel.variants().swap_remove(setting), best.noise);
                best = best.or_better(variants.into_iter().filter_map(|kernel| with(kernel, noise)));
            }
            let kernel = best.kernel.clone();
            best = best.or_better(NOISES.into_iter().filter_map(|noise| with(kernel.clone(), noise)));
            if best.process.log_likelihood() <= before {
                break;
            }
        }
        Some(best)
    }

    /// The most likely of all of these.
    fn or_better(self, others: impl IntoIterator<Item = Self>) -> Self {
        let better = |a: &Self, b: &Self| a.process.log_likelihood() > b.process.log_likelihood();
        others.into_iter().fold(self, |best, other| if better(&other, &best) { other } else { best })
    }
}
