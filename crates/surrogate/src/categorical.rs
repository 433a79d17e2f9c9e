//! Regression over genotypes whose genes are categories: sums of functions of one gene, of two, of three ...
//!
//! Stitson et al.: "Support Vector Regression with ANOVA Decomposition Kernels", 1997.

use crate::{GaussianProcess, Matrix, Prediction};

/// Weights of the kernel and variances of the noise (relative to the kernel's) that are tried.
const WEIGHTS: [f64; 4] = [0.005, 0.02, 0.05, 0.15];
const NOISES: [f64; 6] = [1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1];
/// Data that the choice among these looks at: the first ones.
const CHOOSE: usize = 300;
/// Data further than so many standard deviations (by the median) from what the others predict are left out.
const OUTLIER: f64 = 4.0;

/// `(prod over genes of (1 + weight [equal]) - 1) / ((1 + weight)^genes - 1)`: functions of `k` genes together have variances in
/// proportion to `weight^k`, so a small weight believes in sums over genes. 1 for equal genotypes, 0 where no gene agrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnovaKernel {
    /// Variance of one more gene in a function, relative to one less; above 0.
    pub weight: f64,
}

impl AnovaKernel {
    /// The similarity of two genotypes of one length.
    pub fn value(&self, a: &[u32], b: &[u32]) -> f64 {
        let agree = a.iter().zip(b).filter(|(a, b)| a == b).count();
        self.of_agreements(a.len())[agree]
    }

    /// The similarity for 0, 1, ... `genes` genes that agree: it depends on their number alone.
    fn of_agreements(&self, genes: usize) -> Vec<f64> {
        let power = |n: usize| (1.0 + self.weight).powi(n as i32) - 1.0;
        (0..=genes).map(|n| power(n) / power(genes)).collect()
    }
}

/// A Gaussian process with an [`AnovaKernel`], robust against single wrong values.
#[derive(Clone, Debug)]
pub struct CategoricalProcess {
    kernel: AnovaKernel,
    noise: f64,
    similarity: Vec<f64>,
    data: Vec<Vec<u32>>,
    targets: Vec<f64>,
    process: GaussianProcess,
}

impl CategoricalProcess {
    /// Chooses kernel and noise by likelihood, then leaves out the data that the others contradict. `None` without data, or if
    /// genotypes differ in length.
    pub fn fit(data: &[Vec<u32>], targets: &[f64]) -> Option<Self> {
        let some = data.len().min(targets.len()).min(CHOOSE);
        let settings = WEIGHTS.iter().flat_map(|&weight| NOISES.map(|noise| (AnovaKernel { weight }, noise)));
        let tried =
            settings.filter_map(|(kernel, noise)| Self::new(kernel, noise, &data[..some], &targets[..some]));
        let best = tried.max_by(|a, b| a.process.log_likelihood().total_cmp(&b.process.log_likelihood()))?;
        let all = Self::new(best.kernel, best.noise, data, targets)?;
        let kept = all.agreeing();
        let (data, targets): (Vec<Vec<u32>>, Vec<f64>) =
            kept.iter().map(|&i| (data[i].clone(), targets[i])).unzip();
        if data.len() == all.data.len() {
            Some(all)
        } else {
            Self::new(best.kernel, best.noise, &data, &targets)
        }
    }

    /// The process of this kernel and noise over all of these data. `None` without data, or if genotypes differ in length.
    pub fn new(kernel: AnovaKernel, noise: f64, data: &[Vec<u32>], targets: &[f64]) -> Option<Self> {
        let genes = data.first()?.len();
        if genes == 0 || data.iter().any(|d| d.len() != genes) {
            return None;
        }
        let similarity = kernel.of_agreements(genes);
        let gram = Matrix::symmetric(data.len(), |i, j| similarity[agreements(&data[i], &data[j])]);
        let process = GaussianProcess::fit(&gram, targets, noise)?;
        Some(Self { kernel, noise, similarity, data: data.to_vec(), targets: targets.to_vec(), process })
    }

    /// Data that lie where the others say.
    fn agreeing(&self) -> Vec<usize> {
        let errors = self.left_out();
        let mut sorted = errors.clone();
        sorted.sort_by(f64::total_cmp);
        // 1.4826 makes of the median of absolute deviations the standard deviation of a normal distribution.
        let bound = OUTLIER * 1.4826 * sorted[sorted.len() / 2];
        (0..errors.len()).filter(|&i| errors[i] <= bound.max(1e-12)).collect()
    }

    /// For each datum how far the others' process is off.
    pub fn left_out(&self) -> Vec<f64> {
        self.process.left_out()
    }

    /// The value of a genotype; the variance is that of one observation, noise included. A gene that no datum has agrees with none.
    pub fn predict(&self, genotype: &[u32]) -> Prediction {
        let Prediction { mean, variance } = self.process.predict(&self.to_data(genotype), 1.0);
        Prediction { mean, variance: variance + self.process.scale() * self.noise }
    }

    /// The mean alone, which is cheaper.
    pub fn mean(&self, genotype: &[u32]) -> f64 {
        self.process.mean(&self.to_data(genotype))
    }

    /// Kernel, noise, genotypes and targets: what [`new`](Self::new) makes the same process of.
    pub fn parts(&self) -> (AnovaKernel, f64, &[Vec<u32>], &[f64]) {
        (self.kernel, self.noise, &self.data, &self.targets)
    }

    fn to_data(&self, genotype: &[u32]) -> Vec<f64> {
        self.data.iter().map(|datum| self.similarity[agreements(datum, genotype)]).collect()
    }
}

fn agreements(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All genotypes of four genes with three options.
    fn genotypes() -> Vec<Vec<u32>> {
        (0..81u32).map(|i| (0..4).map(|g| i * 7 % 81 / 3u32.pow(g) % 3).collect()).collect()
    }

    fn value(g: &[u32]) -> f64 {
        let pair = if g[0] == 1 && g[2] == 2 { 0.3 } else { 0.0 };
        f64::from(g[0]) - 0.5 * f64::from(g[1] * g[1]) + 0.2 * f64::from(g[3]) + pair
    }

    #[test]
    fn the_kernel_is_the_product_over_genes() {
        let kernel = AnovaKernel { weight: 0.5 };
        let expected = (1.5 * 1.5 - 1.0) / (1.5f64.powi(3) - 1.0);
        assert!((kernel.value(&[0, 1, 2], &[0, 1, 0]) - expected).abs() < 1e-12);
        assert_eq!(kernel.value(&[0, 1], &[0, 1]), 1.0);
        assert_eq!(kernel.value(&[0, 1], &[1, 0]), 0.0);
    }

    #[test]
    fn learns_sums_and_pairs_and_is_not_misled_by_a_wrong_value() {
        let data = genotypes();
        let mut targets: Vec<f64> = data.iter().map(|g| value(g)).collect();
        targets[5] += 8.0;
        let process = CategoricalProcess::fit(&data[..50], &targets[..50]).unwrap();
        assert!(!process.parts().2.contains(&data[5]), "the outlier is left out");
        let error = |process: &CategoricalProcess| {
            let squares = data[50..].iter().map(|g| (process.mean(g) - value(g)).powi(2));
            (squares.sum::<f64>() / 31.0).sqrt()
        };
        let (kernel, noise, ..) = process.parts();
        let misled = CategoricalProcess::new(kernel, noise, &data[..50], &targets[..50]).unwrap();
        assert!(error(&process) < 0.12, "{}", error(&process));
        assert!(error(&misled) > 2.0 * error(&process), "{} {}", error(&misled), error(&process));
        let (kernel, noise, data, targets) = process.parts();
        let again = CategoricalProcess::new(kernel, noise, data, targets).unwrap();
        assert_eq!(again.predict(&[1, 1, 1, 1]), process.predict(&[1, 1, 1, 1]));
    }

    #[test]
    fn nothing_comes_of_no_data_or_of_genotypes_of_two_lengths() {
        assert!(CategoricalProcess::fit(&[], &[]).is_none());
        assert!(CategoricalProcess::fit(&[vec![0, 1], vec![1]], &[0.0, 1.0]).is_none());
    }
}
