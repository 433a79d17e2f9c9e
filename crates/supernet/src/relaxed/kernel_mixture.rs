//! Many convolutions for the price of one: mixtures of kernels instead of outputs (Shen, Khodak and Talwalkar 2022, DASH).

use std::f32::consts::TAU;

/// A choice among convolutions over a series that differ in kernel size and dilation. Their weighted sum is the convolution with
/// the weighted sum of their kernels, each spread by its dilation and centred in the longest: convolutions are linear in the kernel.
/// A super-network needs one ordinary convolution for it, whose gradient [`pull_back`](Self::pull_back)
/// divides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelMixture {
    /// Kernel size (odd) and dilation of each option.
    pub options: Vec<(usize, usize)>,
    /// Channels that come in.
    pub inputs: usize,
    /// Channels that go out.
    pub outputs: usize,
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
    /// Taps of the mixed kernel.
    pub fn len(&self) -> usize {
        self.options.iter().map(|&(k, d)| (k - 1) * d + 1).max().unwrap_or(1)
    }

    /// Whether there is nothing to choose from.
    pub fn is_empty(&self) -> bool {
        self.options.is_empty()
    }

    /// Where tap `t` of an option lies in the mixed kernel.
    fn place(&self, option: usize, t: usize) -> usize {
        let (size, dilation) = self.options[option];
        (self.len() - ((size - 1) * dilation + 1)) / 2 + t * dilation
    }

    /// The mixed kernel `[len, inputs, outputs]`. `kernels`: of each option, `[size, inputs, outputs]`; `shares`: what each counts.
    pub fn mix(&self, kernels: &[Vec<f32>], shares: &[f64]) -> Vec<f32> {
        let tap = self.inputs * self.outputs;
        let mut mixed = vec![0.0; self.len() * tap];
        for (i, (kernel, &share)) in kernels.iter().zip(shares).enumerate() {
            for (t, from) in kernel.chunks_exact(tap).enumerate() {
                let to = &mut mixed[self.place(i, t) * tap..][..tap];
                to.iter_mut().zip(from).for_each(|(m, k)| *m += share as f32 * k);
            }
        }
        mixed
    }

    /// Gradients by kernels and shares, given that by the mixed kernel.
    pub fn pull_back(&self, kernels: &[Vec<f32>], shares: &[f64], gradient: &[f32]) -> OfMixture {
        let tap = self.inputs * self.outputs;
        let cut = |i: usize| -> Vec<f32> {
            let taps = 0..self.options[i].0;
            taps.flat_map(|t| gradient[self.place(i, t) * tap..][..tap].to_vec()).collect()
        };
        let cuts: Vec<Vec<f32>> = (0..self.options.len()).map(cut).collect();
        let share = |(cut, kernel): (&Vec<f32>, &Vec<f32>)| -> f64 {
            cut.iter().zip(kernel).map(|(g, k)| f64::from(g * k)).sum()
        };
        let of_shares = cuts.iter().zip(kernels).map(share).collect();
        let scaled = |(cut, &share): (Vec<f32>, &f64)| cut.into_iter().map(|g| g * share as f32).collect();
        OfMixture { kernels: cuts.into_iter().zip(shares).map(scaled).collect(), shares: of_shares }
    }
}

/// The convolution of a series `[steps, inputs]` with a kernel `[taps, inputs, outputs]`, zeros around it, through the Fourier domain:
/// products of spectra, summed over the channels that come in. The cost does not depend on the taps, as long as the next power of two
/// of `steps + taps` is the same.
pub fn fourier_convolution(series: &[f32], kernel: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let (steps, taps) = (series.len() / inputs, kernel.len() / (inputs * outputs));
    let fourier = Fourier::new((steps + taps - 1).next_power_of_two());
    let column = |values: &[f32], stride: usize, at: usize| {
        fourier.forward(values.iter().skip(at).step_by(stride).copied())
    };
    let spectra: Vec<Spectrum> = (0..inputs).map(|c| column(series, inputs, c)).collect();
    let mut output = vec![0.0; steps * outputs];
    for o in 0..outputs {
        let mut sum = Spectrum::zeros(fourier.len());
        for (i, series) in spectra.iter().enumerate() {
            sum.add_correlation(series, &column(kernel, inputs * outputs, i * outputs + o));
        }
        // The output at step s lines the middle of the kernel up with step s: its first tap is taps / 2 steps before.
        let values = fourier.inverse(sum);
        for s in 0..steps {
            output[s * outputs + o] = values[(s + fourier.len() - taps / 2) % fourier.len()];
        }
    }
    output
}

/// Real and imaginary parts.
struct Spectrum {
    re: Vec<f32>,
    im: Vec<f32>,
}

impl Spectrum {
    fn zeros(len: usize) -> Self {
        Self { re: vec![0.0; len], im: vec![0.0; len] }
    }

    /// Adds the spectrum of the correlation with a kernel: the product with its conjugate.
    fn add_correlation(&mut self, series: &Self, kernel: &Self) {
        let parts = self.re.iter_mut().zip(&mut self.im);
        let series = series.re.iter().zip(&series.im);
        for (((re, im), (a, b)), (c, d)) in parts.zip(series).zip(kernel.re.iter().zip(&kernel.im)) {
            *re += a * c + b * d;
            *im += b * c - a * d;
        }
    }
}

/// The discrete Fourier transform of a power of two (Cooley and Tukey 1965, radix 2, decimation in time).
struct Fourier {
    /// `exp(-2 pi i k / len)` for the first half.
    roots: Spectrum,
}

impl Fourier {
    fn new(len: usize) -> Self {
        let angle = |k: usize| -TAU * k as f32 / len as f32;
        let half = 0..(len / 2).max(1);
        let roots = Spectrum {
            re: half.clone().map(|k| angle(k).cos()).collect(),
            im: half.map(|k| angle(k).sin()).collect(),
        };
        Self { roots }
    }

    fn len(&self) -> usize {
        self.roots.re.len() * 2
    }

    fn forward(&self, values: impl Iterator<Item = f32>) -> Spectrum {
        let mut spectrum = Spectrum::zeros(self.len());
        spectrum.re.iter_mut().zip(values).for_each(|(re, v)| *re = v);
        self.transform(&mut spectrum);
        spectrum
    }

    /// The real part of the inverse transform: that of exchanged parts, divided by the length.
    fn inverse(&self, spectrum: Spectrum) -> Vec<f32> {
        let mut exchanged = Spectrum { re: spectrum.im, im: spectrum.re };
        self.transform(&mut exchanged);
        let share = 1.0 / self.len() as f32;
        exchanged.im.iter().map(|v| v * share).collect()
    }

    fn transform(&self, Spectrum { re, im }: &mut Spectrum) {
        let len = self.len();
        let bits = len.trailing_zeros();
        for i in 0..len {
            let j = i.reverse_bits() >> (usize::BITS - bits);
            if i < j {
                re.swap(i, j);
                im.swap(i, j);
            }
        }
        let mut half = 1;
        while half < len {
            let stride = len / (2 * half);
            for start in (0..len).step_by(2 * half) {
                let (low_re, high_re) = re[start..start + 2 * half].split_at_mut(half);
                let (low_im, high_im) = im[start..start + 2 * half].split_at_mut(half);
                for k in 0..half {
                    let (c, s) = (self.roots.re[k * stride], self.roots.im[k * stride]);
                    let (x, y) = (high_re[k] * c - high_im[k] * s, high_re[k] * s + high_im[k] * c);
                    (high_re[k], high_im[k]) = (low_re[k] - x, low_im[k] - y);
                    (low_re[k], low_im[k]) = (low_re[k] + x, low_im[k] + y);
                }
            }
            half *= 2;
        }
    }
}
