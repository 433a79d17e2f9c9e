//! A kernel over genotypes with categories and numbers.
//!
//! Wan et al.: "Think Global and Act Local: Bayesian Optimisation over High-Dimensional Categorical and Mixed Search Spaces"
//! (CASMOPOLITAN), ICML 2021, equations 1 and 2.

use crate::{GaussianProcess, Kernel, KernelProcess, Matrix};
use std::sync::Arc;

/// Steps of the gradient ascent to the most likely kernel, and their size in logarithms of the settings.
const STEPS: usize = 20;
const STEP: f64 = 0.15;
/// Noise that the ascent begins with and its bounds, relative to the kernel.
const NOISE: f64 = 1e-2;
const NOISES: (f64, f64) = (1e-6, 1.0);

/// A genotype by place: each category has a number, and numbers lie between 0 and 1. Both may be absent.
#[derive(Clone, Debug, PartialEq)]
pub struct MixedPoint {
    /// Categories.
    pub categories: Vec<Option<u32>>,
    /// Numbers.
    pub numbers: Vec<Option<f64>>,
}

/// `mixture c n + (1 - mixture) (c + n) / 2` of the transformed overlap `c = exp(-sum of the weights of the categories that differ)` and
/// the Matern kernel `n` of smoothness 5/2, whose squared distance has a weight for each number. An absent category is one more category;
/// an absent number is the middle of the range, one unit off it.
#[derive(Clone, Debug, PartialEq)]
pub struct MixedKernel {
    categories: Vec<f64>,
    numbers: Vec<f64>,
    mixture: f64,
}

/// What the kernel of two points is made of.
struct Parts {
    overlap: f64,
    matern: f64,
    /// Derivative of the Matern kernel with respect to the squared distance.
    slope: f64,
}

impl MixedKernel {
    /// Before any data: all genes matter alike, and one that differs the less the more there are.
    fn first(categories: usize, numbers: usize) -> Self {
        let weight = |total: f64, n: usize| vec![total / n.max(1) as f64; n];
        let mixture = if categories > 0 && numbers > 0 { 0.5 } else { 1.0 };
        Self { categories: weight(2.0, categories), numbers: weight(8.0, numbers), mixture }
    }

    /// Weights of the squared distances between numbers: a number matters where its weight is large.
    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    fn parts(&self, a: &MixedPoint, b: &MixedPoint) -> Parts {
        let differ = self.categories.iter().zip(a.categories.iter().zip(&b.categories));
        let exponent: f64 = differ.filter(|(_, (a, b))| a != b).map(|(weight, _)| weight).sum();
        let far = self.numbers.iter().zip(a.numbers.iter().zip(&b.numbers));
        let square: f64 = far.map(|(weight, (a, b))| weight * squared(*a, *b)).sum();
        let r = (5.0 * square).sqrt();
        let decay = (-r).exp();
        Parts {
            overlap: (-exponent).exp(),
            matern: (1.0 + r + r * r / 3.0) * decay,
            slope: -5.0 / 6.0 * (1.0 + r) * decay,
        }
    }

    fn mixed(&self, parts: &Parts) -> f64 {
        let Parts { overlap, matern, .. } = parts;
        self.mixture * overlap * matern + (1.0 - self.mixture) * 0.5 * (overlap + matern)
    }

    /// The most likely process that gradient ascent finds, from the kernel and the noise of `start` if it has the same genes. Weights have a
    /// log-normal prior around those of a kernel that knows nothing, so that few data do not explain everything by one gene. `None` without
    /// data.
    pub fn fit(
        data: &[Arc<MixedPoint>],
        targets: &[f64],
        start: Option<&KernelProcess<Self>>,
    ) -> Option<KernelProcess<Self>> {
        let point = data.first()?;
        let prior = Settings::of(&Self::first(point.categories.len(), point.numbers.len()), NOISE);
        let started = start.map(|process| Settings::of(process.kernel(), process.noise()));
        let mut at = started.filter(|at| at.0.len() == prior.0.len()).unwrap_or_else(|| prior.clone());
        let mut best: Option<(f64, Settings)> = None;
        let (mut first, mut second) = (vec![0.0; at.0.len()], vec![0.0; at.0.len()]);
        for step in 1..=STEPS {
            let (kernel, noise) = at.kernel(point);
            let process = GaussianProcess::fit(&kernel.gram(data), targets, noise)?;
            let distance: Vec<f64> = at.0.iter().zip(&prior.0).map(|(at, prior)| at - prior).collect();
            let posterior = process.log_likelihood() - 0.5 * crate::dot(&distance, &distance);
            if best.as_ref().is_none_or(|(most, _)| posterior > *most) {
                best = Some((posterior, at.clone()));
            }
            let slopes = kernel.slopes(data, &process.gradient(), noise);
            // Adam (Kingma and Ba 2015), with its usual decays.
            for (i, slope) in slopes.iter().zip(&distance).map(|(s, d)| s - d).enumerate() {
                first[i] = 0.9 * first[i] + 0.1 * slope;
                second[i] = 0.999 * second[i] + 0.001 * slope * slope;
                let mean = first[i] / (1.0 - 0.9f64.powi(step as i32));
                let square: f64 = second[i] / (1.0 - 0.999f64.powi(step as i32));
                at.0[i] += STEP * mean / (square.sqrt() + 1e-8);
            }
            at.bound();
        }
        let (kernel, noise) = best?.1.kernel(point);
        KernelProcess::new(kernel, noise, data, targets)
    }

    /// Derivatives of the log-likelihood with respect to the [`Settings`], given those with respect to the entries of the kernel matrix.
    fn slopes(&self, data: &[Arc<MixedPoint>], entries: &Matrix, noise: f64) -> Vec<f64> {
        let (categories, numbers) = (self.categories.len(), self.numbers.len());
        let mut slopes = vec![0.0; categories + numbers + 2];
        for (i, a) in data.iter().enumerate() {
            slopes[categories + numbers + 1] += entries.row(i)[i] * noise;
            for (j, b) in data[..i].iter().enumerate() {
                let parts = self.parts(a, b);
                let entry = 2.0 * entries.row(i)[j];
                let alone = 0.5 * (1.0 - self.mixture);
                let overlap = entry * (self.mixture * parts.matern + alone) * parts.overlap;
                let square = entry * (self.mixture * parts.overlap + alone) * parts.slope;
                for (slope, k) in slopes.iter_mut().zip(0..categories) {
                    if a.categories[k] != b.categories[k] {
                        *slope -= overlap * self.categories[k];
                    }
                }
                for (slope, k) in slopes[categories..].iter_mut().zip(0..numbers) {
                    *slope += square * self.numbers[k] * squared(a.numbers[k], b.numbers[k]);
                }
                let product = parts.overlap * parts.matern - 0.5 * (parts.overlap + parts.matern);
                slopes[categories + numbers] += entry * product * self.mixture * (1.0 - self.mixture);
            }
        }
        slopes
    }
}

fn squared(a: Option<f64>, b: Option<f64>) -> f64 {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).powi(2),
        (Some(x), None) | (None, Some(x)) => (x - 0.5).powi(2) + 1.0,
        (None, None) => 0.0,
    }
}

impl Kernel for MixedKernel {
    type Point = MixedPoint;

    fn value(&self, a: &MixedPoint, b: &MixedPoint) -> f64 {
        self.mixed(&self.parts(a, b))
    }
}

/// What the ascent moves: logarithms of the weights, log-odds of the mixture, logarithm of the noise.
#[derive(Clone, Debug)]
struct Settings(Vec<f64>);

impl Settings {
    fn of(kernel: &MixedKernel, noise: f64) -> Self {
        let odds = kernel.mixture / (1.0 - kernel.mixture).max(1e-6);
        let weights = kernel.categories.iter().chain(&kernel.numbers);
        Self(weights.map(|w| w.ln()).chain([odds.ln(), noise.ln()]).collect())
    }

    /// The kernel for points such as this, and the noise. Without categories or without numbers there is nothing to mix.
    fn kernel(&self, point: &MixedPoint) -> (MixedKernel, f64) {
        let (categories, rest) = self.0.split_at(point.categories.len());
        let (numbers, last) = rest.split_at(point.numbers.len());
        let of = |logarithms: &[f64]| logarithms.iter().map(|l| l.exp()).collect::<Vec<_>>();
        let both = !categories.is_empty() && !numbers.is_empty();
        let mixture = if both { 1.0 / (1.0 + (-last[0]).exp()) } else { 1.0 };
        (MixedKernel { categories: of(categories), numbers: of(numbers), mixture }, last[1].exp())
    }

    fn bound(&mut self) {
        if let Some(noise) = self.0.last_mut() {
            *noise = noise.clamp(NOISES.0.ln(), NOISES.1.ln());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    fn points(n: usize) -> Vec<Arc<MixedPoint>> {
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(11);
        let mut point = || MixedPoint {
            categories: (0..4).map(|_| Some(rng.random_range(0..4)).filter(|c| *c < 3)).collect(),
            numbers: (0..3).map(|_| Some(rng.random::<f64>()).filter(|x| *x < 0.9)).collect(),
        };
        (0..n).map(|_| Arc::new(point())).collect()
    }

    #[test]
    fn values_equal_those_by_hand() {
        let point = |category: u32, number: f64| MixedPoint {
            categories: vec![Some(category), None],
            numbers: vec![Some(number)],
        };
        let kernel = MixedKernel { categories: vec![0.7, 9.0], numbers: vec![5.0], mixture: 0.25 };
        let (overlap, r): (f64, f64) = ((-0.7f64).exp(), 5.0 * 0.2);
        let matern = (1.0 + r + r * r / 3.0) * (-r).exp();
        let expected = 0.25 * overlap * matern + 0.75 * 0.5 * (overlap + matern);
        assert!((kernel.value(&point(0, 0.1), &point(2, 0.3)) - expected).abs() < 1e-12);
        assert!((kernel.value(&point(1, 0.3), &point(1, 0.3)) - 1.0).abs() < 1e-12);
        assert_eq!(squared(Some(0.9), None), squared(None, Some(0.1)));
    }

    #[test]
    fn the_kernel_is_positive_semi_definite_with_absent_genes() {
        let points = points(150);
        for mixture in [0.0, 0.4, 1.0] {
            let kernel = MixedKernel { mixture, ..MixedKernel::first(4, 3) };
            assert!(crate::Cholesky::new(&kernel.gram(&points), 1e-9).is_some(), "mixture {mixture}");
        }
    }

    #[test]
    fn slopes_agree_with_differences() {
        let points = points(20);
        let targets: Vec<f64> = (0..20).map(|i| f64::from(i).sin()).collect();
        let at = Settings(vec![-1.0, 0.3, -0.5, 0.1, 1.0, 0.5, -0.2, 0.4, -2.0]);
        let likelihood = |at: &Settings| {
            let (kernel, noise) = at.kernel(&points[0]);
            GaussianProcess::fit(&kernel.gram(&points), &targets, noise).unwrap()
        };
        let (kernel, noise) = at.kernel(&points[0]);
        let slopes = kernel.slopes(&points, &likelihood(&at).gradient(), noise);
        for (i, slope) in slopes.iter().enumerate() {
            let moved = |step: f64| {
                let mut moved = at.clone();
                moved.0[i] += step;
                likelihood(&moved).log_likelihood()
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(
                (slope - difference).abs() < 1e-5 * (1.0 + difference.abs()),
                "{i}: {slope} {difference}"
            );
        }
    }

    #[test]
    fn the_genes_that_matter_are_found() {
        let points = points(100);
        let value = |p: &MixedPoint| {
            (if p.categories[1] == Some(2) { 1.5 } else { 0.0 }) + (4.0 * p.numbers[2].unwrap_or(0.5)).sin()
        };
        let targets: Vec<f64> = points.iter().map(|p| value(p)).collect();
        let process = MixedKernel::fit(&points[..70], &targets[..70], None).unwrap();
        let again = MixedKernel::fit(&points[..70], &targets[..70], Some(&process)).unwrap();
        assert!(again.process().log_likelihood() > process.process().log_likelihood() - 1.0);
        let MixedKernel { categories, numbers, .. } = again.kernel();
        let most = |weights: &[f64]| (0..weights.len()).max_by(|&a, &b| weights[a].total_cmp(&weights[b]));
        assert_eq!((most(categories), most(numbers)), (Some(1), Some(2)), "{categories:?} {numbers:?}");
        let error: f64 = (70..100).map(|i| (again.mean(&points[i]) - targets[i]).powi(2)).sum();
        assert!(error / 30.0 < 0.1, "{error}");
    }
}
