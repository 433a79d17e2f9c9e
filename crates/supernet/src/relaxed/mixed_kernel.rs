//! A convolution whose kernel is a mixture of the kernels of several options.

use super::space::Term;
use nasmyth_graph::{Op, ParamSpec};
use std::sync::Arc;

/// Convolutions are linear in their kernels, so one convolution with `sum_o share_o kernel_o` stands for the weighted sum of all of them (Shen, Khodak
/// and Talwalkar 2022, DASH). Kernels are centred in the largest of those that are left.
#[derive(Clone, Debug)]
pub struct MixedKernel {
    /// Key of the kernel in a parameter store: `[size.., in / groups, out]`.
    pub key: String,
    /// What the kernels are taken from.
    pub tensors: Vec<KernelTensor>,
    /// The options.
    pub parts: Vec<KernelPart>,
}

/// A tensor that kernels are taken from.
#[derive(Clone, Debug)]
pub struct KernelTensor {
    /// The place of the convolution that it belongs to.
    pub place: String,
    /// That convolution.
    pub op: Arc<dyn Op>,
    /// Its kernel.
    pub spec: ParamSpec,
}

/// One option's kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelPart {
    /// What it counts.
    pub term: Term,
    /// The tensor that it is the middle of.
    pub tensor: usize,
    /// Its size, by axis.
    pub size: Vec<usize>,
}

/// Where each tap of a kernel lies in a larger one around it, in row-major order.
pub(super) fn centred(size: &[usize], within: &[usize]) -> Vec<usize> {
    size.iter().zip(within).fold(vec![0], |taps, (&size, &within)| {
        let start = (within - size) / 2;
        taps.iter().flat_map(|tap| (start..start + size).map(move |i| tap * within + i)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::centred;

    #[test]
    fn taps_lie_in_the_middle() {
        assert_eq!(centred(&[3], &[7]), [2, 3, 4]);
        assert_eq!(centred(&[1, 3], &[3, 5]), [6, 7, 8]);
        assert_eq!(centred(&[3, 3], &[3, 3]), (0..9).collect::<Vec<_>>());
    }
}
