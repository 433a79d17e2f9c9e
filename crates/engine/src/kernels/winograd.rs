//! 3x3 convolution with fewer multiplications: F(4x4, 3x3) and F(2x2, 3x3) of Winograd's minimal filtering (Lavin and Gray 2016,
//! sections 4.1 and 4.3).
//!
//! An output tile of `OUT` x `OUT` comes from an input tile of `IN` x `IN`, `IN = OUT + 2`, as `Y = A' ((G g G') * (B' d B)) A`, where
//! `*` multiplies element by element: for each element a matrix product over the channels, with 36 multiplications for what takes
//! 144 by the definition, or 16 for 36. The gradient of the weight is the transposed formula, `G' ((B' d B) * (A dY A')) G`.

use super::linear::{add_rows, start_with_bias};
use super::padded::Padded;
use super::tiles::{
    GradientRows, ImageTransform, InputRows, OutputRows, OutputTransform, Strips, TAPS, Transform,
    WeightGradient, WeightGradientRows, WeightRows, WeightTransform,
};
use super::window::Window;
use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use crate::matmul::{Matrix, matmul, transpose};
use crate::simd::arch;
use std::marker::PhantomData;

/// Fewest channels for which the products outweigh the transforms.
const CHANNELS: usize = 12;

/// Fewest tiles of an image that the products with 36 weights of a filter are worth.
const TILES: usize = 16;

/// The kernel for a convolution without groups, or `None` if another way is better.
pub(super) fn lower<T: Real>(
    window: &Window,
    site: &Site,
    outputs: usize,
    bias: bool,
) -> Option<Box<dyn Kernel<T>>> {
    let plain = window.kernel == [3, 3] && window.stride == [1, 1] && window.dilation == [1, 1];
    if !plain || site.channels() < CHANNELS || outputs < CHANNELS || window.out.contains(&1) {
        return None;
    }
    let tiles = |out: usize| window.out.iter().map(|n| n / out).product::<usize>();
    if tiles(4) >= TILES {
        Some(Box::new(Winograd::<4, 6>::new(window, site, outputs, bias)?))
    } else {
        Some(Box::new(Winograd::<2, 4>::new(window, site, outputs, bias)?))
    }
}

struct Winograd<const OUT: usize, const IN: usize> {
    size: [usize; 2],
    out: [usize; 2],
    inputs: usize,
    outputs: usize,
    bias: bool,
    /// Whether the gradient of the input is wanted.
    backward: bool,
    input: Padded,
    gradient: Padded,
}

impl<const OUT: usize, const IN: usize> Winograd<OUT, IN> {
    /// Elements of a transformed tile.
    const AREA: usize = IN * IN;

    fn new(window: &Window, site: &Site, outputs: usize, bias: bool) -> Option<Self> {
        let inputs = site.channels();
        let whole = |len: [usize; 2]| len.map(|n| n.next_multiple_of(OUT) + IN - OUT);
        let both = [0, 1].map(|i| window.size[i].max(window.out[i]));
        Some(Self {
            size: window.size,
            out: window.out,
            inputs,
            outputs,
            bias,
            backward: site.input_gradient,
            input: Padded::input(window, inputs).at_least(whole(window.out)),
            gradient: Padded::output(window, outputs)?.at_least(whole(both)),
        })
    }

    fn weight_len(&self) -> usize {
        self.inputs * self.outputs
    }

    /// Elements of an image of the input, and of the output.
    fn images(&self) -> [usize; 2] {
        [self.size[0] * self.size[1] * self.inputs, self.out[0] * self.out[1] * self.outputs]
    }

    /// Rows of a matrix of transformed tiles.
    fn most_tiles(&self) -> usize {
        [self.out, self.size].map(|out| Strips::of::<OUT>(out).pitch()).into_iter().max().unwrap_or(0)
    }

    /// `y (+)= x` filtered with the transformed weight `u`, for one padded image.
    fn filter<T: Real>(&self, f: Filter<'_, T>, y: &mut [T], v: &mut [T], m: &mut [T])
    where
        InputRows: Transform<IN, IN>,
        OutputRows: Transform<IN, OUT>,
    {
        let strips = Strips::of::<OUT>(f.out);
        for strip in strips.each() {
            let tiles = strip.tiles();
            let from = &f.image[strip.first * OUT * f.padded.line()..];
            arch().dispatch(ImageTransform::<T, InputRows, OUT, IN, IN> {
                rows: PhantomData,
                strip,
                line: f.padded.width(),
                channels: f.inputs,
                from,
                to: v,
            });
            for xi in 0..Self::AREA {
                let v = Matrix::new(&v[xi * strip.pitch() * f.inputs..], tiles, f.inputs);
                let u = Matrix::new(&f.u[xi * self.weight_len()..], f.inputs, f.outputs);
                matmul(&mut m[xi * strip.pitch() * f.outputs..], f.outputs, false, v, u);
            }
            let rows = (f.out[0] - strip.first * OUT).min(strip.rows * OUT);
            let to = &mut y[strip.first * OUT * f.out[1] * f.outputs..][..rows * f.out[1] * f.outputs];
            let out = [rows, f.out[1]];
            arch().dispatch(OutputTransform::<T, OUT, IN> {
                strip,
                out,
                channels: f.outputs,
                add: f.add,
                from: m,
                to,
            });
        }
    }

    /// Adds the transformed gradient of the weight of one image to `du`.
    fn weight_gradient<T: Real>(&self, x: &[T], dy: &[T], v: &mut [T], w: &mut [T], du: &mut [T])
    where
        InputRows: Transform<IN, IN>,
        GradientRows: Transform<OUT, IN>,
    {
        for strip in Strips::of::<OUT>(self.out).each() {
            let tiles = strip.tiles();
            let from = &x[strip.first * OUT * self.input.line()..];
            let line = self.input.width();
            arch().dispatch(ImageTransform::<T, InputRows, OUT, IN, IN> {
                rows: PhantomData,
                strip,
                line,
                channels: self.inputs,
                from,
                to: v,
            });
            let from = &dy[self.gradient.start() + strip.first * OUT * self.gradient.line()..];
            let line = self.gradient.width();
            arch().dispatch(ImageTransform::<T, GradientRows, OUT, OUT, IN> {
                rows: PhantomData,
                strip,
                line,
                channels: self.outputs,
                from,
                to: w,
            });
            for xi in 0..Self::AREA {
                let v = Matrix::new(&v[xi * strip.pitch() * self.inputs..], tiles, self.inputs);
                let w = Matrix::new(&w[xi * strip.pitch() * self.outputs..], tiles, self.outputs);
                matmul(&mut du[xi * self.weight_len()..], self.outputs, true, v.transposed(), w);
            }
        }
    }
}

/// A convolution of one padded image.
struct Filter<'a, T> {
    image: &'a [T],
    padded: &'a Padded,
    u: &'a [T],
    inputs: usize,
    outputs: usize,
    out: [usize; 2],
    /// Whether to add to what is there.
    add: bool,
}

impl<T: Real, const OUT: usize, const IN: usize> Kernel<T> for Winograd<OUT, IN>
where
    InputRows: Transform<IN, IN>,
    GradientRows: Transform<OUT, IN>,
    OutputRows: Transform<IN, OUT>,
    WeightRows: Transform<TAPS, IN>,
    WeightGradientRows: Transform<IN, TAPS>,
{
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    /// A padded input and a padded gradient, two strips of transformed tiles, and the transformed gradient of the weight.
    fn scratch(&self) -> usize {
        let strips = Self::AREA * self.most_tiles() * (self.inputs.max(self.outputs) * 2);
        self.input.len() + self.gradient.len() + strips + Self::AREA * self.weight_len()
    }

    /// The transformed weight; for the gradient of the input also that of the mirrored weight with inputs and outputs exchanged.
    fn prepared(&self) -> usize {
        Self::AREA * self.weight_len() * if self.backward { 2 } else { 1 }
    }

    fn prepare(&self, params: &[&[T]], prepared: &mut [T]) {
        let (weight, len) = (params[0], self.weight_len());
        let (u, mirrored) = prepared.split_at_mut(Self::AREA * len);
        u[..weight.len()].copy_from_slice(weight);
        arch().dispatch(WeightTransform::<T, IN> { len, values: u });
        if self.backward {
            for (tap, filters) in weight.chunks_exact(len).enumerate() {
                let to = &mut mirrored[(TAPS * TAPS - 1 - tap) * len..][..len];
                transpose(Matrix::new(filters, self.inputs, self.outputs), to);
            }
            arch().dispatch(WeightTransform::<T, IN> { len, values: mirrored });
        }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (x, u) = (io.input(0), &io.prepared()[..Self::AREA * self.weight_len()]);
        if self.bias {
            start_with_bias(io.output, io.param(1));
        }
        let strip = Self::AREA * self.most_tiles();
        let (padded, rest) = io.scratch.split_at_mut(self.input.len());
        let (v, rest) = rest.split_at_mut(strip * self.inputs);
        let m = &mut rest[..strip * self.outputs];
        let [input, output] = self.images();
        self.input.clear_border(padded);
        for (x, y) in x.chunks_exact(input).zip(io.output.chunks_exact_mut(output)) {
            self.input.copy(x, padded);
            let (inputs, outputs, out) = (self.inputs, self.outputs, self.out);
            let filter =
                Filter { image: padded, padded: &self.input, u, inputs, outputs, out, add: self.bias };
            self.filter(filter, y, v, m);
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (x, dy) = (io.input(0), io.grad_output());
        let u = &io.prepared()[Self::AREA * self.weight_len()..];
        let dweight = io.take_grad_param(0);
        if self.bias {
            add_rows(dy, io.take_grad_param(1));
        }
        let strip = Self::AREA * self.most_tiles() * self.inputs.max(self.outputs);
        let (padded, rest) = std::mem::take(&mut io.scratch).split_at_mut(self.input.len());
        let (gradient, rest) = rest.split_at_mut(self.gradient.len());
        let (v, rest) = rest.split_at_mut(strip);
        let (m, du) = rest.split_at_mut(strip);
        let du = &mut du[..Self::AREA * self.weight_len()];
        du.fill(T::ZERO);
        self.input.clear_border(padded);
        self.gradient.clear_border(gradient);
        let [input, output] = self.images();
        let mut dx = io.grad_input(0);
        for (n, (x, dy)) in x.chunks_exact(input).zip(dy.chunks_exact(output)).enumerate() {
            self.input.copy(x, padded);
            self.gradient.copy(dy, gradient);
            self.weight_gradient(padded, gradient, v, m, du);
            let Some(dx) = dx.as_mut() else { continue };
            let filter = Filter {
                image: gradient,
                padded: &self.gradient,
                u,
                inputs: self.outputs,
                outputs: self.inputs,
                out: self.size,
                add: dx.accumulate,
            };
            self.filter(filter, &mut dx.values[n * input..][..input], v, m);
        }
        arch().dispatch(WeightGradient::<T, IN> { du, len: self.weight_len(), dweight });
    }
}
