//! Tables of stages.

use nasmyth_graph::ops::Function;

/// Equal blocks in a row, a line of a table. The first block of a stage has the stride of its first line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Blocks {
    pub(super) kind: Kind,
    pub(super) kernel: usize,
    pub(super) expansion: f64,
    pub(super) out: usize,
    pub(super) stride: usize,
    pub(super) times: usize,
    pub(super) squeeze: f64,
    pub(super) act: Option<Function>,
    pub(super) shortcut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Conv,
    Separable,
    Inverted,
    Mixed { expand: usize, windows: &'static [usize], project: usize },
    Universal { start: usize },
    Fused { of_output: bool },
    Attention { heads: usize, width: usize, stride: usize },
}

/// Convolution, batch norm and activation, without shortcut.
pub(crate) const fn conv(kernel: usize, out: usize) -> Blocks {
    Blocks { shortcut: false, ..Blocks::new(Kind::Conv, kernel, 1.0, out) }
}

/// Depthwise separable convolution.
pub(crate) const fn separable(kernel: usize, out: usize) -> Blocks {
    Blocks::new(Kind::Separable, kernel, 1.0, out)
}

/// Inverted residual, its middle `expansion` times as wide as its input.
pub(crate) const fn inverted(kernel: usize, expansion: f64, out: usize) -> Blocks {
    Blocks::new(Kind::Inverted, kernel, expansion, out)
}

/// Inverted residual with these windows; expansion and projection in so many shares.
pub(crate) const fn mixed(
    (expand, windows, project): (usize, &'static [usize], usize),
    expansion: f64,
    out: usize,
) -> Blocks {
    Blocks::new(Kind::Mixed { expand, windows, project }, 0, expansion, out)
}

/// Universal inverted bottleneck with depthwise convolutions at the start and in the middle; a window of 0 leaves one out.
pub(crate) const fn universal(start: usize, kernel: usize, expansion: f64, out: usize) -> Blocks {
    Blocks::new(Kind::Universal { start }, kernel, expansion, out)
}

/// Fused inverted residual.
pub(crate) const fn fused(kernel: usize, expansion: f64, out: usize) -> Blocks {
    Blocks::new(Kind::Fused { of_output: false }, kernel, expansion, out)
}

/// Mobile multi-query attention: heads of this width, keys and values at every `stride`-th position.
pub(crate) const fn attention(heads: usize, width: usize, stride: usize, out: usize) -> Blocks {
    Blocks::new(Kind::Attention { heads, width, stride }, 3, 1.0, out)
}

impl Blocks {
    const fn new(kind: Kind, kernel: usize, expansion: f64, out: usize) -> Self {
        Self { kind, kernel, expansion, out, stride: 1, times: 1, squeeze: 0.0, act: None, shortcut: true }
    }

    /// The same with a stride.
    pub(crate) const fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// So many of them.
    pub(crate) const fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// The same with squeeze-excitation, as a share of the input (or of the middle, as [`Squeezing`](super::Squeezing) says).
    pub(crate) const fn squeeze(self, squeeze: f64) -> Self {
        Self { squeeze, ..self }
    }

    /// The same with another activation than the network's.
    pub(crate) const fn act(self, act: Function) -> Self {
        Self { act: Some(act), ..self }
    }

    /// The same with or without shortcut where shapes agree.
    pub(crate) const fn shortcut(self, shortcut: bool) -> Self {
        Self { shortcut, ..self }
    }

    /// The same with windows of at most 3x3 and without squeeze-excitation.
    pub(crate) fn plain(self) -> Self {
        Self { kernel: self.kernel.min(3), squeeze: 0.0, ..self }
    }

    /// A fused block whose middle is a multiple of its output.
    pub(crate) const fn of_output(self) -> Self {
        Self { kind: Kind::Fused { of_output: true }, ..self }
    }
}
