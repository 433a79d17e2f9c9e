//! Many convolutions for the price of a few: mixtures of kernels instead of outputs (Shen, Khodak and Talwalkar 2022, DASH).

use std::collections::BTreeMap;

/// A choice among convolutions over a series that differ in kernel size and dilation. Convolutions are linear in the kernel, so their
/// weighted sum is one convolution with the weighted sum of their kernels. The paper computes that one in the Fourier domain, where
/// its length does not count; here it is divided by dilation instead: kernels of one dilation are centred in the largest of them,
/// and a super-network needs one ordinary convolution for each dilation, and a sum. Their gradients
/// [`pull_back`](Self::pull_back) divides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelMixture {
    options: Vec<(usize, usize)>,
    convolutions: Vec<(usize, usize)>,
    tap: usize,
}

/// Gradients by what a mixture is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct OfMixture {
    /// By the kernels.
    pub kernels: Vec<Vec<f32>>,
    /// By the shares.
    pub shares: Vec<f64>,
}

impl KernelMixture {
    /// `options`: kernel size (odd) and dilation of each. `tap`: numbers of a kernel at one place, channels in times channels out.
    pub fn new(options: Vec<(usize, usize)>, tap: usize) -> Self {
        let mut longest: BTreeMap<usize, usize> = BTreeMap::new();
        for &(size, dilation) in &options {
            let longest = longest.entry(dilation).or_default();
            *longest = size.max(*longest);
        }
        let convolutions = longest.into_iter().map(|(dilation, size)| (size, dilation)).collect();
        Self { options, convolutions, tap }
    }

    /// The convolutions that are computed: kernel size and dilation of each.
    pub fn convolutions(&self) -> &[(usize, usize)] {
        &self.convolutions
    }

    /// The convolution that an option is part of, and where its kernel begins in that one's.
    fn place(&self, option: usize) -> (usize, usize) {
        let (size, dilation) = self.options[option];
        let at = self.convolutions.partition_point(|c| c.1 < dilation);
        (at, (self.convolutions[at].0 - size) / 2 * self.tap)
    }

    /// The kernel `[size, in, out]` of each convolution. `kernels`: of each option, `[size, in, out]`; `shares`: what each counts.
    pub fn mix(&self, kernels: &[Vec<f32>], shares: &[f64]) -> Vec<Vec<f32>> {
        let mut mixed: Vec<_> = self.convolutions.iter().map(|c| vec![0.0; c.0 * self.tap]).collect();
        for (i, (kernel, &share)) in kernels.iter().zip(shares).enumerate() {
            let (at, start) = self.place(i);
            let to = mixed[at][start..].iter_mut();
            to.zip(kernel).for_each(|(m, k)| *m += share as f32 * k);
        }
        mixed
    }

    /// Gradients by kernels and shares, given those by the kernels of the convolutions.
    pub fn pull_back(&self, kernels: &[Vec<f32>], shares: &[f64], gradients: &[Vec<f32>]) -> OfMixture {
        let mut of = OfMixture { kernels: Vec::new(), shares: Vec::new() };
        for (i, (kernel, &share)) in kernels.iter().zip(shares).enumerate() {
            let (at, start) = self.place(i);
            let own = &gradients[at][start..start + kernel.len()];
            of.shares.push(own.iter().zip(kernel).map(|(g, k)| f64::from(g * k)).sum());
            of.kernels.push(own.iter().map(|g| g * share as f32).collect());
        }
        of
    }
}
