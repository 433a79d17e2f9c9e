//! A convolution through the Fourier domain.

use std::f32::consts::TAU;

/// The convolution of series `[steps, inputs]` with one kernel `[taps, inputs, outputs]`, zeros around them: products of spectra,
/// summed over the channels that come in. The cost does not depend on the taps, as long as the next power of two of `steps + taps`
/// is the same.
pub struct FourierConvolution {
    fourier: Fourier,
    /// Spectra `[outputs, inputs]`.
    kernel: Vec<Spectrum>,
    taps: usize,
    inputs: usize,
    outputs: usize,
}

impl FourierConvolution {
    /// For series of so many steps.
    pub fn new(kernel: &[f32], steps: usize, inputs: usize, outputs: usize) -> Self {
        let taps = kernel.len() / (inputs * outputs);
        let fourier = Fourier::new((steps + taps - 1).next_power_of_two());
        let places = (0..outputs).flat_map(|o| (0..inputs).map(move |i| i * outputs + o));
        let column = |at| fourier.forward(kernel.iter().skip(at).step_by(inputs * outputs).copied());
        Self { kernel: places.map(column).collect(), fourier, taps, inputs, outputs }
    }

    /// `[steps, outputs]`.
    pub fn apply(&self, series: &[f32]) -> Vec<f32> {
        let Self { fourier, inputs, outputs, .. } = self;
        let steps = series.len() / inputs;
        let column = |c: usize| fourier.forward(series.iter().skip(c).step_by(*inputs).copied());
        let spectra: Vec<Spectrum> = (0..*inputs).map(column).collect();
        let mut output = vec![0.0; steps * outputs];
        for (o, kernel) in self.kernel.chunks_exact(*inputs).enumerate() {
            let mut sum = Spectrum::zeros(fourier.len());
            spectra.iter().zip(kernel).for_each(|(series, kernel)| sum.add_correlation(series, kernel));
            // The first tap of the kernel is half of it before the step that it is centred on.
            let values = fourier.inverse(sum);
            for s in 0..steps {
                output[s * outputs + o] = values[(s + fourier.len() - self.taps / 2) % fourier.len()];
            }
        }
        output
    }
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
